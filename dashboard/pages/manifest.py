"""The manifest of the installable app, and the rules for fetching pages in advance."""

from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

HOUR = 3600
DARK, LIGHT = "#1c2030", "#f9f7f4"
"""The background colours of the icon and of pages, which the manifest needs as plain values."""
AHEAD = ".nav__item, .run-row, .session-row, .procedure-card"
"""The links whose pages are fetched when the pointer rests on them, because reading is harmless."""


@require_safe
@cache_control(public=True, max_age=HOUR)
def manifest(_request: HttpRequest) -> JsonResponse:
    """Return the manifest for browsers that can install the product; it needs no sign-in."""
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
    """Return the rules that say which pages browsers fetch when the pointer rests on a link."""
    rule = {"where": {"selector_matches": AHEAD}, "eagerness": "moderate"}
    return JsonResponse({"prefetch": [rule]}, content_type="application/speculationrules+json")
