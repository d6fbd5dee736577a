"""The type of requests for views of pages."""

from django_htmx.middleware import HtmxDetails

from dashboard.forms.attached import Attached
from procedures.access import SignedIn


class Visit(SignedIn):
    """A request by a signed-in person, for a page or a part of one."""

    htmx: HtmxDetails
    """Details of an htmx request; it is false if a whole page was requested."""
    attached: Attached
    """The files that came with the form of a message."""
    detail: str
    """The amount of detail about runs that the person wants to see in transcripts."""
    kept_filters: list[dict[str, str]]
    """The filters of the inbox that the person keeps: names and queries."""
