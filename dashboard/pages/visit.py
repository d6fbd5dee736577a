"""The request of a page's view."""

from django_htmx.middleware import HtmxDetails

from procedures.access import SignedIn


class Visit(SignedIn):
    """A request for a page, or for a part of one, by a signed-in person."""

    htmx: HtmxDetails
    """True if a page asks for a part of itself."""
