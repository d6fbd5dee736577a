"""The type of the requests that views of pages get."""

from django_htmx.middleware import HtmxDetails

from dashboard.forms.attached import AttachedFiles
from procedures.access import SignedIn


class Visit(SignedIn):
    """An HTTP request by a signed-in person for a page, or for a part of a page."""

    htmx: HtmxDetails
    """Details of a request that htmx has sent; false if the browser asks for a whole page."""
    attached: AttachedFiles
    """The files in the form of a message."""
    detail: str
    """The amount that the person wants to see of each run in transcripts; see `Detail`."""
    kept_filters: list[dict[str, str]]
    """The filters that the person has saved for the inbox, each with "name" and "query"."""
