"""A query that is compiled once returns what the ORM returns, whichever thread asks."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.models import ApiToken, Scope

pytestmark = pytest.mark.django_db(transaction=True)


def fields_of(row: models.Model) -> dict[str, object]:
    return {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields}  # noqa: SLF001 (documented)


def found_elsewhere(text: str) -> ApiToken | None:
    try:
        return ApiToken.find(text)
    finally:
        connection.close()


def test_a_token_comes_back_with_its_user_as_the_orm_reads_both(alice: User, bob: User) -> None:
    soon = timezone.now() + timedelta(hours=1)
    text = ApiToken.create_for(alice, name="alices", scopes=Scope, expires_at=soon)
    other = ApiToken.create_for(bob, scopes=[Scope.READ])
    kept = ApiToken.objects.select_related("user").get(user=alice)

    with CaptureQueriesContext(connection) as captured:
        found = ApiToken.find(text)
        assert found
        assert fields_of(found.user) == fields_of(kept.user)
    with ThreadPoolExecutor(1) as thread:
        bobs = thread.submit(found_elsewhere, other).result()

    assert len(captured) == 1
    assert fields_of(found) == fields_of(kept)
    assert found.pk == kept.pk
    assert bobs
    assert (bobs.user, bobs.scopes) == (bob, ["read"])


def test_a_token_that_cannot_be_used_is_not_found(alice: User) -> None:
    past = timezone.now() - timedelta(seconds=1)
    expired = ApiToken.create_for(alice, expires_at=past)
    revoked, used = ApiToken.create_for(alice), ApiToken.create_for(alice)
    assert ApiToken.find(revoked)
    ApiToken.objects.filter(pk=ApiToken.find(revoked).pk).revoke()  # type: ignore[union-attr]

    assert [ApiToken.find(one) for one in (expired, revoked, "none")] == [None] * 3
    assert ApiToken.find(used)

    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert ApiToken.find(used) is None
