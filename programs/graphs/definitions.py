"""Definitions of litestar-workflows as procedures.

The package litestar-workflows isn't imported.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from procedures.engine import DefinitionError, Procedure, PublicError
from procedures.engine.values.spelling import short_repr
from programs.graphs.contexts import GraphContext
from programs.graphs.graph import made_of
from programs.graphs.shape import link_of, shape_of


class MissingStepError(PublicError):
    """The error for a run that comes to a step that its definition names but doesn't have."""


@dataclass(frozen=True, eq=False)
class MissingStep:
    """A stand-in for a step that an edge of a definition names but the definition lacks."""

    name: str
    of: str
    """The name of the definition that lacks the step."""

    def execute(self, context: GraphContext) -> None:
        # "not found in definition" is what litestar-workflows' own test asks for.
        raise MissingStepError(f"The step {self.name!r} was not found in definition {self.of!r}.")


def definition_graph(
    workflow: Any,
    *,
    name: str = "",
    module: str = "",
    lenient: bool = False,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    **about: Any,
) -> Procedure:
    """Return a procedure for a definition, or for a class with a method `get_definition()`.

    A definition has the attributes `name`, `version`, `steps`, `edges`, `initial_step` and
    `terminal_steps`. `options` are those of `graph`, and `about` are the options of `@procedure`.
    Raises `DefinitionError` if an edge names a step that the definition doesn't have. With
    `lenient=True`, there is no such error, but a run that comes to such a step fails.
    """
    definition = workflow.get_definition() if hasattr(workflow, "get_definition") else workflow
    try:
        steps, edges = dict(definition.steps), list(definition.edges)
        start, ends = definition.initial_step, set(definition.terminal_steps)
    except (AttributeError, TypeError):
        words = "A definition needs the attributes 'steps', 'edges', 'initial_step' and"
        raise DefinitionError(f"{words} 'terminal_steps', unlike {short_repr(workflow)}.") from None
    if lenient:
        steps |= {
            one: MissingStep(one, name or definition.name)
            for one in _named_by(edges)
            if one not in steps
        }
        ends = {one for one in ends if one in steps}
    return made_of(
        shape_of(steps, edges, start=start, ends=sorted(ends), options=options),
        name or definition.name,
        module=module or getattr(workflow, "__module__", ""),
        version=str(getattr(definition, "version", "")),
        doc=str(getattr(definition, "description", "")),
        options=about,
    )


def _named_by(edges: Iterable[Any]) -> list[str]:
    links = [link_of(edge) for edge in edges]
    return list(dict.fromkeys(one for link in links for one in (link.source, link.target)))
