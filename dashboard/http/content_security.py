"""The content security policy: what a page may load and where it may send."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

POLICY = {
    "default-src": "'self'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
}
# Swagger draws icons from data: addresses and styles its own elements.
API_DOCS = POLICY | {"img-src": "'self' data:", "style-src": "'self' 'unsafe-inline'"}
EXCEPTIONS = {"/api/docs": API_DOCS}


def policy_text(policy: Mapping[str, str] = POLICY) -> str:
    return "; ".join(f"{name} {sources}" for name, sources in policy.items())


class ContentSecurityMiddleware(MiddlewareMixin):
    """Middleware that sends the policy with every answer."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        policy = EXCEPTIONS.get(request.path_info, POLICY)
        response.headers.setdefault("Content-Security-Policy", policy_text(policy))
        return response
