"""The answer in the result of a run that has asked people."""

from typing import Any

from countersign_client.errors import NoAnswerError
from countersign_client.reading import value_as
from countersign_client.results.requests import Answer
from countersign_client.results.runs import Run


def answer_of(run: Run, result: Any) -> Answer:
    """Return the people's answer, which is in the result of a run that has ended.

    Raises `NoAnswerError` if the run has failed or was cancelled, and `UnreadableError` if the run
    isn't one of the procedure `ask`.
    """
    if run.status != "succeeded":
        raise NoAnswerError(run.id, run.status, run.error.message if run.error else "")
    return value_as(Answer, result)
