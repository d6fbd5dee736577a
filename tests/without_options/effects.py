"""The effect of each option of a request, its removal, and the tests that should notice."""

from collections.abc import Iterator
from dataclasses import dataclass

from procedures.engine.kinds import SHIPPED
from procedures.engine.kinds.request_options import COMMON
from tests.without_options.removals import (
    TEMPLATE,
    Removal,
    all_of,
    dropped,
    replaced,
    silent,
    unnamed,
    unread,
)

VALUES = {"options", "hint", "draft", "model", "schema"}
"""The arguments that a kind can't ask without; they are no options."""
MORE = {"subject", "drafts"}
"""Values of authors and people besides the options of requests."""


@dataclass(frozen=True)
class Effect:
    """One thing that an option does."""

    option: str
    words: str
    remove: Removal
    files: tuple[str, ...]
    """The tests that look at it, without "tests/" and ".py"."""

    @property
    def name(self) -> str:
        return f"{self.option}: {self.words}"


def _in(*names: str) -> tuple[str, ...]:
    return tuple(f"integration/test_{name}" for name in names)


def _nothing(*_args: object, **_options: object) -> None:
    return None


MOMENTS = "chat.models.moments:_moments"
RECORDED = "chat.services.recording:check_answer"
CLOCKS_STAND = replaced("procedures.engine.replay.recorder:Recorder._start_clocks", _nothing)
EFFECTS = (
    Effect(
        "due",
        "the time by which an answer is needed",
        unread("due", "chat.models.moments:plan_moments"),
        _in("reminders", "inbox"),
    ),
    Effect("remind", "at moments", unread("remind", MOMENTS), _in("reminders")),
    Effect("remind", "again and again", unread("remind_every", MOMENTS), _in("reminders")),
    Effect("escalate", "others are asked too", unread("escalate", MOMENTS), _in("reminders")),
    Effect(
        "expires",
        "the request closes",
        all_of(unread("expires", "procedures.engine.waits.handles:ask"), CLOCKS_STAND),
        _in("every_way", "undoing_answers"),
    ),
    Effect(
        "expires",
        "the clock starts when it can be answered",
        CLOCKS_STAND,
        ("unit/engine/test_clocks",),
    ),
    Effect(
        "default",
        "counts as the answer",
        silent("default"),
        _in("every_way"),
    ),
    Effect(
        "on_timeout",
        "the procedure fails",
        unread("on_timeout", "procedures.engine.waits.handles:read"),
        ("conformance/test_waits",),
    ),
    Effect(
        "on_timeout",
        "the request is withdrawn",
        silent("withdraw"),
        _in("pages_requests"),
    ),
    Effect(
        "four_eyes",
        "whoever caused it may not answer",
        replaced("chat.models.rights:_is_excluded", lambda *_: False),
        _in("rights_to_answer", "standing_decisions"),
    ),
    Effect(
        "four_eyes",
        "whoever caused it does not count among those who may vote",
        unread("four_eyes", "chat.services.voting:voters_among"),
        _in("votes", "rights_to_answer"),
    ),
    Effect(
        "four_eyes",
        "it waits for others only",
        unread("four_eyes", "chat.receivers:show_request"),
        _in("rights_to_answer"),
    ),
    Effect(
        "quorum",
        "several must agree",
        unread("quorum", "chat.services.voting:is_decided"),
        _in("votes"),
    ),
    Effect(
        "quorum",
        "the card says if too few are asked",
        unread("quorum", "chat.services.voting:shortage"),
        _in("votes"),
    ),
    Effect(
        "veto",
        "one rejection decides",
        unread("veto", "procedures.engine.kinds.votes:_is_rejected"),
        _in("votes"),
    ),
    Effect(
        "undo",
        "an answer is held",
        unread("undo", "chat.services.recording:record_answer"),
        _in("undoing_answers", "every_way"),
    ),
    Effect(
        "comment_required_on",
        "no such decision without a comment",
        unread("comment_required_on", "procedures.engine.kinds.questions:check_comment"),
        _in("rights_to_answer", "drafts_and_bulk"),
    ),
    Effect(
        "risk",
        "the riskiest comes first, and is marked",
        unread("risk", "chat.receivers:show_request"),
        _in("inbox", "pages_inbox"),
    ),
    Effect(
        "irreversible",
        "an answer is confirmed first",
        unread("irreversible", RECORDED),
        _in("irreversible", "every_way"),
    ),
    Effect(
        "irreversible",
        "no message in the chat answers",
        unread("irreversible", "chat.services.inbound:_read"),
        _in("irreversible", "every_way"),
    ),
    Effect(
        "irreversible",
        "no token answers",
        unread("irreversible", "chat.services.programs:right_of_answer"),
        _in("programs", "every_way"),
    ),
    Effect(
        "irreversible",
        "it is not answered among several",
        unread("irreversible", "chat.services.bulk:_needs_attention"),
        _in("drafts_and_bulk"),
    ),
    Effect(
        "ask_back",
        "people ask back instead of answering",
        unread("ask_back", "procedures.engine.kinds.questions:check_ask_back"),
        _in("asking_back"),
    ),
    Effect(
        "ask_back",
        "the card has a button for it",
        unread("ask_back", TEMPLATE),
        _in("asking_back"),
    ),
    Effect(
        "follows",
        "the page shows what was asked back",
        unread("follows", TEMPLATE),
        _in("asking_back"),
    ),
    Effect(
        "follows",
        "the mail tells what was asked back",
        unread("follows", "dashboard.channels.letter:asked_back"),
        _in("asking_back"),
    ),
    Effect(
        "repeatable",
        "an answer counts for later requests",
        unread("repeatable", "procedures.engine.kinds.standing:is_offered"),
        _in("standing_decisions"),
    ),
    Effect(
        "assign",
        "it says who is asked",
        unread("assign", "chat.receivers:show_request"),
        _in("inbox", "reminders"),
    ),
    Effect("body", "is shown", unread("body", TEMPLATE), _in("pages_requests")),
    Effect("evidence", "is shown", unread("evidence", TEMPLATE), _in("pages_requests")),
    Effect(
        "volatile",
        "such values may differ on a replay",
        unread("volatile", "procedures.engine.kinds.questions:digest"),
        ("conformance/test_readings",),
    ),
    Effect(
        "metadata",
        "is stored for programs",
        dropped("metadata"),
        ("conformance/test_readings",),
    ),
    Effect("name", "names the wait", unnamed, ("conformance/test_sets",)),
    Effect("yes", "labels the button", dropped("yes"), _in("pages_requests")),
    Effect("no", "labels the button", dropped("no"), _in("pages_requests")),
    Effect(
        "descriptions",
        "stand below the options",
        dropped("descriptions"),
        _in("kinds_on_pages"),
    ),
    Effect("other", "takes an answer of one's own", dropped("other"), _in("kinds_on_pages")),
    Effect("many", "takes several", dropped("many"), _in("every_kind")),
    Effect("decisions", "name what can be decided", dropped("decisions"), _in("every_kind")),
    Effect("format", "says how a draft is shown", dropped("format"), _in("kinds_on_pages")),
    Effect("accept", "refuses other types", dropped("accept"), _in("answer_files")),
    Effect("largest", "refuses larger files", dropped("largest"), _in("answer_files")),
    Effect(
        "subject",
        "names the run",
        replaced("procedures.services.runs:subject_of", lambda *_: ""),
        _in("subjects"),
    ),
    Effect(
        "drafts",
        "what was typed is there again",
        replaced("chat.services:draft_of", _nothing),
        _in("pages_inbox", "drafts_and_bulk"),
    ),
)


def declared() -> Iterator[str]:
    """Yield every option that a request can have, and what else is given to it."""
    yield from sorted(COMMON | MORE)
    for kind in SHIPPED:
        yield from sorted(kind().options - VALUES)
