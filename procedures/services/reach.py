"""Checks of the people and the webhook that the inputs of a new run name."""

from collections.abc import Iterator, Mapping
from typing import Any

from procedures.engine.declaration.definition import Procedure as Definition
from procedures.engine.declaration.reach import Answerers, Webhook, inputs_marked
from procedures.engine.errors import Fault, InputError
from procedures.models import Grant
from procedures.users import User, active_users, find_active_user, holders_of_permission
from procedures.webhooks import may_use_webhook


def check_reach(definition: Definition, inputs: Mapping[str, Any], *, by: User | None) -> str:
    """Return the webhook that the inputs of a new run name, or "".

    Raises `InputError` if the inputs name people or a webhook that the starter `by` may not reach.
    Nothing is refused if `by` is None, which stands for the system.
    """
    named = {
        name: inputs[name] for name in inputs_marked(definition.fn, Webhook) if inputs.get(name)
    }
    if by and (faults := [*_unusable(named, by), *_unreachable(definition, inputs)]):
        raise InputError(faults)
    return str(next(iter(named.values()), ""))


def _unusable(webhooks: Mapping[str, str], by: User) -> Iterator[Fault]:
    for name, webhook in webhooks.items():
        if not may_use_webhook(by, webhook):
            yield Fault(name, "isn't a webhook of this site that you may use.")


def _unreachable(definition: Definition, inputs: Mapping[str, Any]) -> Iterator[Fault]:
    for name in inputs_marked(definition.fn, Answerers):
        for number, target in enumerate(inputs.get(name) or ()):
            if not may_be_asked(target, definition.name):
                # The same sentence is used for names that don't exist. Otherwise, people could find
                # out which names exist.
                yield Fault(f"{name}.{number}", _refusal(target, definition))


def _refusal(target: str, definition: Definition) -> str:
    groups = Grant.objects.filter(procedure__name=definition.name, role="answer")
    names = ", ".join(groups.order_by("group__name").values_list("group__name", flat=True))
    words = f"{target[:80]!r} can't be asked by “{definition.title}”."
    if not names:
        return f"{words} No group has the role “answer” on it yet."
    return f"{words} It can ask these groups and their members: {names}."


def may_be_asked(target: str, procedure: str) -> bool:
    """Return True if everybody in the target ("finance", "@bob") has the role `answer`.

    `procedure` is the name of the procedure on which the role is needed.
    """
    granted = Grant.objects.filter(procedure__name=procedure, role="answer").values("group")
    if target.startswith("@"):
        user = find_active_user(target.removeprefix("@"))
        return user is not None and user.groups.filter(pk__in=granted).exists()
    if target.startswith("perm:"):
        holders = holders_of_permission(target.removeprefix("perm:"))
        inside = active_users().filter(groups__in=granted)
        return holders.exists() and not holders.exclude(pk__in=inside.values("pk")).exists()
    return Grant.objects.filter(
        procedure__name=procedure, role="answer", group__name=target
    ).exists()
