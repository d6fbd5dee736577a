"""A view for the address of the MCP server on a site whose MCP server is off."""

from http import HTTPStatus

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

NO_SERVER = (
    "This site has no MCP server. Its administrator can turn it on with the setting MCP and the"
    " package countersign[mcp]."
)


@csrf_exempt  # nothing is changed, and programs are to read the sentence
def no_server(request: HttpRequest) -> JsonResponse:
    """Return 404 and a sentence. Django calls this view only if the MCP server is off."""
    return JsonResponse({"detail": NO_SERVER}, status=HTTPStatus.NOT_FOUND)
