"""The content security policy: what a page may load, and where it may send forms."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from dashboard.http.addresses import api_docs

POLICY = {
    "default-src": "'self'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
}
# Swagger draws icons from data: addresses and styles its own elements.
API_DOCS = POLICY | {"img-src": "'self' data:", "style-src": "'self' 'unsafe-inline'"}


def policy_text(policy: Mapping[str, str] = POLICY) -> str:
    return "; ".join(f"{name} {sources}" for name, sources in policy.items())


class ContentSecurityMiddleware(MiddlewareMixin):
    """Middleware that adds the policy to every response."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        policy = API_DOCS if request.path == api_docs() else POLICY
        response.headers.setdefault("Content-Security-Policy", policy_text(policy))
        return response
