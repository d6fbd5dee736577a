"""The type of the requests that views of pages receive."""

from django_htmx.middleware import HtmxDetails

from procedures.access import SignedIn


class Visit(SignedIn):
    """A signed-in person's request for a page or a part of one."""

    htmx: HtmxDetails
    """True if an open page requests a part of itself."""
