"""The route from which a program learns about its own token."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from dashboard.api.auth import Token
from dashboard.models import ApiToken
from procedures.schemas import refusals

router = Router()


class TokenOut(Schema):
    """The token with which you call."""

    user: str = Field(description="The user on whose behalf the program acts.")
    program: str = Field(description="The token's label, or its first characters.")
    scopes: list[str]
    expires_at: datetime | None

    @staticmethod
    def resolve_user(token: ApiToken) -> str:
        return token.user.get_username()


@router.get(
    "/token",
    auth=Token(),
    response={200: TokenOut, **refusals(429)},
    summary="Your token",
    operation_id="dashboard_api_get_token",
)
def get_token(request: HttpRequest) -> ApiToken:
    """Return the user, label and scopes of the token. Any valid token can call this route."""
    token: ApiToken = request.token  # type: ignore[attr-defined]
    return token
