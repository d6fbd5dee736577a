"""Pages that invite people: a form for addresses, a preview, and sign-in links, shown only once."""

import hashlib
from typing import Any

from django import forms
from django.core.mail import get_connection
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.accounts.authority import permission_to
from dashboard.accounts.invitations import (
    LONGEST_TEXT,
    MOST,
    Guest,
    Invited,
    InvitedMeanwhileError,
    invite,
    offered_groups,
    plan,
    read_lines,
)
from dashboard.accounts.sign_ins import mail_link, make_link
from dashboard.admin.pages.parts import add_part, draw, may_all
from dashboard.admin.typed import NAMES_OF_GROUPS, NamedManyField
from procedures.conf import conf
from procedures.users import email_of

LARGEST_FILE = LONGEST_TEXT
"""The maximum number of bytes of a file, so that its text isn't too long either."""
WAYS = {"mail": lazy("Send each person the link by mail"), "show": lazy("Show me the links once")}


class InvitationForm(forms.Form):
    """A form for a list of people, the groups that all of them join, and how links are sent."""

    required_css_class = "required"
    addresses = forms.CharField(
        label=lazy("Addresses"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "autofocus": True}),
        help_text=lazy(
            "One per line, such as “Ann Blum <ann@bank.example>”, or a table with the headings "
            "“email”, “name”, “first name”, “last name” and “groups”."
        ),
    )
    file = forms.FileField(
        label=lazy("Or a CSV file"),
        required=False,
        help_text=lazy("With these headings. Several groups are separated by “|”."),
    )
    groups: Any = NamedManyField(
        label=lazy("Groups"),
        queryset=None,
        required=False,
        help_text=lazy("Everybody in the list joins these groups."),
        widget=forms.CheckboxSelectMultiple,
    )
    way = forms.ChoiceField(
        label=lazy("Sign-in links"), choices=WAYS.items(), widget=forms.RadioSelect
    )

    def __init__(self, by: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups: Any = self.fields["groups"]
        groups.queryset = offered_groups(by)
        groups.type_if_long(NAMES_OF_GROUPS)
        way: Any = self.fields["way"]
        if not conf.SENDS_MAIL:
            way.choices = [("show", WAYS["show"])]
        way.initial = way.choices[0][0]

    def clean_file(self) -> str:
        """Return the text of the uploaded file, or "" if no file was uploaded."""
        found = self.cleaned_data["file"]
        if not found:
            return ""
        if found.size > LARGEST_FILE:
            raise forms.ValidationError(_("The file is larger than 100 KB. Split it."))
        try:
            return str(found.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise forms.ValidationError(
                _("The file isn't text in UTF-8. Save it as CSV in UTF-8, and choose it again.")
            ) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        file, typed = cleaned.get("file", ""), cleaned.get("addresses", "")
        if file and typed:
            raise forms.ValidationError(_("Enter addresses or choose a file, but not both."))
        text = file or typed
        cleaned["lines"] = lines = read_lines(text)
        if not self.errors and not lines:
            raise forms.ValidationError(_("Enter an address, or choose a file."))
        if len(lines) > MOST:
            words = _(
                "The list has {count} people, and the limit is {most}. Invite some of them later."
            )
            raise forms.ValidationError(words.format(count=len(lines), most=MOST))
        cleaned["text"] = text
        return cleaned


@add_part("people/invite/", "invite", may_all(permission_to("add")))
def invite_people(request: HttpRequest) -> HttpResponse:
    """Ask for a list of people, show a preview, and invite them once that is confirmed."""
    by: Any = request.user
    if request.method != "POST":
        return _draw(request, "invite", _("Invite people"), form=InvitationForm(by))
    form = InvitationForm(by, request.POST, request.FILES)
    if not form.is_valid():
        return _draw(request, "invite", _("Invite people"), form=form)
    lines, groups = form.cleaned_data["lines"], form.cleaned_data["groups"]
    guests = plan(lines, groups, by=by)
    if "is_decided" in request.POST and request.POST.get("seen") == _digest_of(guests):
        try:
            invited = invite(guests, by=by)
        except InvitedMeanwhileError:
            guests = plan(lines, groups, by=by)  # of which the page shows a new preview
        else:
            return _send_or_show_links(request, invited, form.cleaned_data["way"])
    return _draw(
        request,
        "invite_preview",
        _("Nobody has been invited yet"),
        form=form,
        guests=guests,
        new=sum(guest.is_new for guest in guests),
        seen=_digest_of(guests),
        way=WAYS[form.cleaned_data["way"]],
    )


def _digest_of(guests: list[Guest]) -> str:
    """Return a digest of the invitations that the preview shows.

    The confirmation sends the digest back. So if the invitations have changed since, a new
    preview is shown.
    """
    lines = [
        f"{one.line.address} {one.name if one.is_new else ''} {','.join(map(str, one.groups))}"
        for one in guests
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _send_or_show_links(request: HttpRequest, invited: list[Invited], way: str) -> HttpResponse:
    """Send the links by mail, or show them on the page.

    The page names the people to whom no link could be sent.
    """
    by: Any = request.user
    links: list[tuple[Invited, str, bool]] = []
    connection = get_connection() if way == "mail" else None
    for one in invited:
        if connection is None:
            links.append((one, make_link(one.user, by=by), True))
            continue
        try:
            mail_link(one.user, by=by, connection=connection)
        except OSError:  # all errors of mail servers are of this kind
            links.append((one, "", False))
        else:
            links.append((one, "", True))
    shown = [f"{email_of(one.user)}\t{link}" for one, link, _is_sent in links if link]
    listed = "\n".join(shown) if len(shown) > 1 else ""
    return _draw(request, "invited", _("Invited"), invited=links, way=way, list=listed)


def _draw(request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
    above = [(reverse("admin:people"), _("People"))]
    return draw(request, f"dashboard/admin/{template}.html", title, above=above, **context)
