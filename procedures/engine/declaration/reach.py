"""Marks for inputs that name people or external programs.

A mark declares that an input of a procedure names a person, a group or a webhook. When somebody
starts a run, the host reads these inputs. The host refuses the start if the person has no right to
use the people or the webhook that an input names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_type_hints


@dataclass(frozen=True)
class Webhook:
    """An input that names one of the site's webhooks: `webhook: Annotated[str, Webhook()] = ""`.

    The site reports the outcome of the run, and of each request of the run, to that webhook. A
    start is refused if the person who starts the run has no right to use the webhook.
    """


@dataclass(frozen=True)
class Answerers:
    """An input that names whom to ask: `to: Annotated[list[str], Answerers()] = []`.

    Each item is written as in `assign=`: "finance" is a group, "@ann" is a user, and
    "perm:app.code" is everybody with that permission. A start is refused unless everybody whom an
    item names is in a group with the role `answer` on the procedure.
    """


@lru_cache(maxsize=1_000)
def inputs_marked(fn: Callable[..., Any], mark: type) -> Sequence[str]:
    """Return the names of the inputs of a procedure's function that have a mark of this type."""
    marks = {
        name: getattr(hint, "__metadata__", ())
        for name, hint in get_type_hints(fn, include_extras=True).items()
    }
    return [name for name, given in marks.items() if any(isinstance(one, mark) for one in given)]
