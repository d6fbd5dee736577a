"""The manifest of the installable app, and the rules by which browsers fetch pages in advance."""

from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

HOUR = 3600
DARK, LIGHT = "#1c2030", "#f9f7f4"
"""The colours of the icon and of pages, because the manifest can't use the tokens of CSS."""
AHEAD = ".nav__item, .run-row, .session-row, .procedure-card"
"""A selector for links to pages that browsers fetch when the pointer rests on the link.

These pages only read data, so it is harmless to fetch them.
"""


@require_safe
@cache_control(public=True, max_age=HOUR)
def manifest(_request: HttpRequest) -> JsonResponse:
    """Return the manifest with which a browser can install the product; nobody needs to sign in."""
    home = reverse("countersign:home")
    icon = {"src": static("dashboard/app-icon.svg"), "type": "image/svg+xml", "sizes": "any"}
    content = {
        "id": home,
        "name": "Countersign",
        "short_name": "Countersign",
        "description": _("Procedures that wait for people."),
        "start_url": home,
        "scope": home,
        "display": "standalone",
        "background_color": LIGHT,
        "theme_color": DARK,
        "icons": [{**icon, "purpose": "any"}, {**icon, "purpose": "maskable"}],
        "shortcuts": [
            {"name": _("Chat"), "url": reverse("countersign:session_list")},
            {"name": _("Runs"), "url": reverse("countersign:run_list")},
            {"name": _("Start a procedure"), "url": reverse("countersign:procedure_list")},
        ],
    }
    return JsonResponse(content, content_type="application/manifest+json")


@require_safe
@cache_control(public=True, max_age=HOUR)
def speculation_rules(_request: HttpRequest) -> JsonResponse:
    """Return the rules that say which pages a browser fetches when the pointer rests on a link."""
    rule = {"where": {"selector_matches": AHEAD}, "eagerness": "moderate"}
    return JsonResponse({"prefetch": [rule]}, content_type="application/speculationrules+json")
