"""A restricted YAML parser, which refuses anchors, tags, deep nesting and repeated keys."""

from collections.abc import Sequence

import yaml

from procedures.engine import ProcedureFileError

MOST_LEVELS = 30


def compose_yaml(text: str) -> yaml.Node:
    """Return the root node of a YAML text. All keys of mappings are strings.

    Raises `ProcedureFileError`, with the line, for a text that isn't YAML, and for anchors, tags,
    nesting of more than `MOST_LEVELS` levels and keys that a mapping has twice.
    """
    try:
        _check_events(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise ProcedureFileError(_words_of(error.problem or ""), line=line) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        words = f"The file contains the character U+{error.character:04X}"
        raise ProcedureFileError(f"{words}, which YAML doesn't allow.", line=line) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ProcedureFileError(f"The file isn't valid YAML: {error}.") from None
    if node is None:
        raise ProcedureFileError("The file is empty.")
    _check_keys(node)
    return node


def _words_of(problem: str) -> str:
    """Return a message for a problem that the parser reports."""
    if "another document" in problem:
        return "The file has several documents (---). Write each in a file of its own."
    hint = " Indent with spaces, not with tabs." if r"'\t'" in problem else ""
    return f"The file isn't valid YAML: {problem}.{hint}"


def _check_events(text: str) -> None:
    """Raise `ProcedureFileError` for anchors, tags and deep nesting.

    With anchors, a short text can mean a huge one. The text is read event by event, so that reading
    stops at the first level that is too deep.
    """
    level = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        level += isinstance(event, yaml.CollectionStartEvent)
        level -= isinstance(event, yaml.CollectionEndEvent)
        if why := _fault_of(event, level):
            line = event.start_mark.line + 1 if event.start_mark else None
            raise ProcedureFileError(why, line=line)


def _fault_of(event: yaml.Event, level: int) -> str:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        return "Anchors and aliases (& and *) aren't supported. Write the value out."
    if tag := getattr(event, "tag", None):
        return f"The tag {tag:.50} isn't supported."
    return f"The file is nested more than {MOST_LEVELS} levels deep." if level > MOST_LEVELS else ""


def _check_keys(node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        _check_mapping(node.value)
    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            _check_keys(one)


def _check_mapping(pairs: Sequence[tuple[yaml.Node, yaml.Node]]) -> None:
    seen = set[str]()
    for key, value in pairs:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            words = "A key must be a string, not a mapping or a list."
            advice = "If the key contains {} or [], put it in quotes."
            raise ProcedureFileError(f"{words} {advice}", line=line)
        if key.value in seen:
            raise ProcedureFileError(f"The key {key.value!r:.50} is given twice.", line=line)
        seen.add(key.value)
        _check_keys(value)
