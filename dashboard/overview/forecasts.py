"""The forecast of an operation on many runs, in words."""

from collections.abc import Callable, Iterator, Mapping

from django.utils.translation import ngettext

from procedures.services.bulk import Forecast

Words = Callable[[int], str]
CAN: Mapping[str, Words] = {
    "cancel": lambda n: ngettext("{n} run can be cancelled.", "{n} runs can be cancelled.", n),
    "pause": lambda n: ngettext("{n} run can be paused.", "{n} runs can be paused.", n),
    "unpause": lambda n: ngettext("{n} run can be resumed.", "{n} runs can be resumed.", n),
    "retry": lambda n: ngettext("{n} run can be retried.", "{n} runs can be retried.", n),
    "force_end": lambda n: ngettext(
        "{n} run can be ended at once.", "{n} runs can be ended at once.", n
    ),
}
LEFT: Mapping[str, Words] = {
    "ended": lambda n: ngettext(
        "{n} has ended and stays as it is.", "{n} have ended and stay as they are.", n
    ),
    "cancelling": lambda n: ngettext(
        "{n} is being cancelled already.", "{n} are being cancelled already.", n
    ),
    "paused": lambda n: ngettext("{n} is paused already.", "{n} are paused already.", n),
    "pausing": lambda n: ngettext(
        "A pause of {n} run is already pending.", "Pauses of {n} runs are already pending.", n
    ),
    "quarantined": lambda n: ngettext(
        "{n} is quarantined and does nothing.", "{n} are quarantined and do nothing.", n
    ),
    "not_paused": lambda n: ngettext("{n} isn't paused.", "{n} aren't paused.", n),
    "not_failed": lambda n: ngettext(
        "{n} hasn't failed, so it can't be retried.",
        "{n} haven't failed, so they can't be retried.",
        n,
    ),
    "undone": lambda n: ngettext(
        "{n} has undone its steps, so it can't be retried.",
        "{n} have undone their steps, so they can't be retried.",
        n,
    ),
}


def forecast_words(verb: str, found: Forecast) -> Iterator[str]:
    """Yield sentences that say what an operation would do to the runs that match now."""
    yield _counted(CAN[verb], found.can)
    for reason, count in found.left.items():
        yield _counted(LEFT[reason], count)
    if found.children:
        yield _counted(
            lambda n: ngettext(
                "{n} child run ends, too, although it doesn't match.",
                "{n} child runs end, too, although they don't match.",
                n,
            ),
            found.children,
        )


def _counted(plural: Words, count: int) -> str:
    return plural(count).format(n=f"{count:,}")
