"""Texts that are found by parts of their words, in any language, by both databases alike."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from chat.grams import Query, Snippet
from chat.models import Message, Searchable
from chat.services import TextFilter, post_message, search_texts

pytestmark = pytest.mark.django_db

TEXTS = {
    "german": "Stromrechnungskorrektur für Bestellung 2024-1187",
    "japanese": "ご注文の返金処理が完了しました",
    "arabic": "تمت الموافقة على المُراجَعة النهائية",
    "accents": "Crème brûlée at the CAFÉ, Straße 7",
    "kana": "ガスの料金",
    "emoji": "Shipped 🎉 100% {done} it's",
    "cree": "\u1450\u166d\u1450",  # of punctuation, until Unicode 12 called the second a symbol
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
        ("\u1450\u166d\u1450", "cree"),
        ("st", "german accents"),
        ("a", ""),
        ("%", ""),
        ("", ""),
    ],
)
def test_a_text_is_found_by_any_part_of_its_words(
    texts: dict[str, Searchable], query: str, names: str
) -> None:
    others = Searchable.objects.exclude(text="Session\nzero")

    found = others.fitting(Query(query)).containing(Query(query))

    assert {one.pk for one in found} == {texts[name].pk for name in names.split()}
    read = others.containing(Query(query))
    assert {one.pk for one in read} == {one.pk for one in found}


def test_the_index_follows_its_rows(texts: dict[str, Searchable]) -> None:
    def found(word: str) -> int:
        query = Query(word)
        return Searchable.objects.fitting(query).containing(query).count()

    session = texts["kana"].session
    Searchable.keep_title(session)
    session.title = "Lighthouse"
    Searchable.keep_title(session)
    assert [found(word) for word in ("lighthouse", "session", "crème")] == [1, 1, 1]

    session.delete()
    assert [found(word) for word in ("lighthouse", "session", "crème")] == [0, 0, 0]


def test_the_pieces_of_a_snippet_are_the_text_with_what_matches(
    texts: dict[str, Searchable],
) -> None:
    def marked(name: str, query: str) -> list[str]:
        pieces = Snippet(texts[name].text, Query(query), longest=200).pieces
        assert "".join(piece for piece, _ in pieces) == TEXTS[name]
        return [piece for piece, is_match in pieces if is_match]

    assert marked("german", "RECHNUNG fur") == ["rechnung", "für"]
    assert marked("arabic", "المراجعه") == ["المُراجَعة"]
    assert marked("accents", "strasse cafe") == ["CAFÉ", "Straße"]
    assert marked("kana", "ガス") == ["ガス"]
    long = f"{'word ' * 60}needle {'word ' * 60}"
    pieces = Snippet(long, Query("needle"), longest=100).pieces
    assert pieces[0] == pieces[-1] == ("…", False)
    assert ("needle", True) in pieces
    assert len("".join(piece for piece, _ in pieces)) <= 102


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no roles")
def test_a_role_that_may_create_nothing_searches_by_parts_of_words(
    texts: dict[str, Searchable], alice: User
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extname FROM pg_extension")
        assert cursor.fetchall() == [("plpgsql",)]
        cursor.execute("CREATE ROLE plain NOSUPERUSER")
        rows = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES"
        for given in (rows, "USAGE ON ALL SEQUENCES"):
            cursor.execute(f"GRANT {given} IN SCHEMA public TO plain")
        cursor.execute("SET LOCAL ROLE plain")
        cursor.execute("SELECT has_database_privilege(current_database(), 'CREATE')")
        assert cursor.fetchone() == (False,)
    session = texts["german"].session
    post_message(session, "Gasrechnungen 返金", by=alice)

    for query, count in (("rechnung", 2), ("返金", 2)):
        assert len(search_texts(alice, TextFilter(query), most=5).hits) == count
