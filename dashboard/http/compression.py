"""Compression of pages and parts of pages, which works even without a proxy."""

import zlib
from collections.abc import AsyncIterator
from typing import cast

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.middleware.gzip import GZipMiddleware

KINDS = {"text/html", "text/css", "text/javascript", "image/svg+xml", "application/json"}
NOT_PLAIN = ("Content-Disposition", "Content-Encoding")
GZIP = 16 + zlib.MAX_WBITS


class CompressionMiddleware(GZipMiddleware):
    """Middleware that compresses pages. Downloads stay as they are and keep their Content-Length.

    Django adds random padding to each page, and a CSRF token that is masked differently each time.
    So the length of a compressed page doesn't reveal the page's content.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if not is_part_of_a_page(request, response):
            return response
        if not isinstance(response, StreamingHttpResponse) or not response.is_async:
            return super().process_response(request, response)
        # Read before Django's middleware wraps the content to compress each chunk separately.
        chunks = cast("AsyncIterator[bytes]", response.streaming_content)
        super().process_response(request, response)
        if "Content-Encoding" in response.headers:
            response.streaming_content = in_one_piece(chunks)
        return response


def is_part_of_a_page(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Return True if the response is a page, or a part of one, that isn't compressed yet.

    A download isn't a part of a page.
    """
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    is_whole = request.method == "GET" and response.status_code == 200  # noqa: PLR2004
    is_plain = not any(name in response.headers for name in NOT_PLAIN)
    return is_whole and is_plain and kind in KINDS


async def in_one_piece(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Compress a streamed response as one gzip stream.

    Django would compress each chunk as a stream of its own, and browsers read only the first
    stream.
    """
    packer = zlib.compressobj(wbits=GZIP)
    async for chunk in chunks:
        yield packer.compress(chunk)
    yield packer.flush()
