"""What a page's view gets."""

from django_htmx.middleware import HtmxDetails

from procedures.access import SignedIn


class Visit(SignedIn):
    """A request for a page, or for a part of one, by somebody who is known."""

    htmx: HtmxDetails
    """True when a page asks for a part of itself."""
