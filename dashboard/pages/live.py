"""The live stream over HTTP, for pages that can't open a WebSocket."""

from http import HTTPStatus

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.views.decorators.http import require_safe

from dashboard.live.concerned import inbox_frame
from dashboard.live.frames import MAKERS, frames
from dashboard.live.news import chat_frame
from dashboard.live.streams import CHAT, INBOX, Stream, allowed, place_in
from procedures.access import SignedIn


@require_safe
def live_socket(request: HttpRequest) -> HttpResponse:
    """Return 426, because the address is for WebSockets only."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    return HttpResponse(status=HTTPStatus.UPGRADE_REQUIRED, headers=headers)


@require_safe
@login_required
def live_range(request: SignedIn) -> JsonResponse | HttpResponseBadRequest:
    """Return at most 500 frames of the stream `stream` with numbers greater than `after`.

    `form` says for whom the frames are: "data" for programs, or for example "page" for pages.
    """
    try:
        stream = Stream.parse(request.GET.get("stream", ""))
        form, after = request.GET.get("form", "data"), place_in(request.GET.get("after", "0"))
    except ValueError as error:
        return HttpResponseBadRequest(str(error))
    if (stream.kind, form) not in MAKERS:
        return HttpResponseBadRequest(f"{stream} can't be read as {form!r}.")
    view = allowed(request.user, {stream}).get(stream)
    if view is None:
        raise Http404
    if stream == INBOX:
        return JsonResponse({"frames": [inbox_frame(request.user)]})
    if stream == CHAT:
        return JsonResponse({"frames": [chat_frame(request.user)]})
    found = frames(stream, form, [view], after=after)
    return JsonResponse({"frames": [frame.content_for(view) for frame in found]})
