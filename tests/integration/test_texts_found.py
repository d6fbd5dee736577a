"""Texts that are found by parts of their words, in any language, by both databases alike."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.grams import Query
from chat.models import Message, Searchable
from chat.services import post_message

pytestmark = pytest.mark.django_db

TEXTS = {
    "german": "Stromrechnungskorrektur für Bestellung 2024-1187",
    "japanese": "ご注文の返金処理が完了しました",
    "arabic": "تمت الموافقة على المُراجَعة النهائية",
    "accents": "Crème brûlée at the CAFÉ, Straße 7",
    "kana": "ガスの料金",
    "emoji": "Shipped 🎉 100% {done} it's",
}


@pytest.fixture
def texts(alice: User) -> dict[str, Searchable]:
    first = Message(kind=Message.Kind.PERSON, author=alice, text="zero", at=timezone.now())
    first.open_session("Session")
    made = {name: post_message(first.session, text, by=alice) for name, text in TEXTS.items()}
    return {name: Searchable.objects.get(message=one) for name, one in made.items()}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("rechnung", "german"),
        ("KORREKTUR strom", "german"),
        ("2024-1187", "german"),
        ("1187-2024", ""),
        ("rechnung session", ""),
        ("返金", "japanese"),
        ("金", "japanese kana"),
        ("返金処理", "japanese"),
        ("処理返金", ""),
        ("المراجعه", "arabic"),
        ("موافق", "arabic"),
        ("creme brulee", "accents"),
        ("Cafe", "accents"),
        ("strasse", "accents"),
        ("ガス", "kana"),
        ("カス", ""),
        ("🎉", "emoji"),
        ("100%", "emoji"),
        ("it's", "emoji"),
        ("st", "german accents"),
        ("a", ""),
        ("%", ""),
        ("", ""),
    ],
)
def test_a_text_is_found_by_any_part_of_its_words(
    texts: dict[str, Searchable], query: str, names: str
) -> None:
    found = Searchable.objects.matching(Query(query)).exclude(text="Session\nzero")

    assert {one.pk for one in found} == {texts[name].pk for name in names.split()}
