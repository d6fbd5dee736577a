"""Requests to the API as data: what to send, and how to read the response."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from countersign_client.errors import error_of
from countersign_client.files import File
from countersign_client.reading import Reader

T = TypeVar("T")
REPEATABLE = frozenset({"GET", "PUT", "DELETE"})


@dataclass(frozen=True, kw_only=True)
class Call(Generic[T]):
    """One request to the API, and how to read its response."""

    method: str
    path: str
    read: Reader[T]
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    """The data to send: as JSON or, together with files, as a form."""
    files: Sequence[tuple[str, File]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    is_repeatable: bool = False
    """True for a POST that the site carries out only once, even if the POST is sent twice."""

    @property
    def may_be_repeated(self) -> bool:
        """True if sending the call twice does no harm: a GET, PUT, DELETE or repeatable POST."""
        return self.is_repeatable or self.method in REPEATABLE

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of httpx's `request`."""
        known = {name: value for name, value in self.params.items() if value not in {None, ""}}
        sent: dict[str, Any] = {"params": known, "headers": dict(self.headers)}
        if self.files:
            sent["data"] = _fields(self.body or {})
            sent["files"] = [(path, file.as_part) for path, file in self.files]
        elif self.body is not None:
            sent["json"] = dict(self.body)
        return sent

    def result(self, response: httpx.Response) -> T:
        """Return the result in a response, or raise the error that the response reports."""
        if response.is_success:
            return self.read(response)
        raise error_of(response.status_code, response.content, response.headers.get("Retry-After"))


def path(*parts: object) -> str:
    """Return a path below /api, made of these parts.

    Each part is escaped, so that no part, such as "../login", can lead to another address.
    """
    return "/".join(_part(str(part)) for part in parts)


def _part(text: str) -> str:
    if text in {"", ".", ".."}:
        raise ValueError(f"{text!r} isn't a valid name or id: it is empty or a relative path.")
    return quote(text, safe="")


def _fields(inputs: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return inputs as the fields of a form; a list becomes several fields with the same name."""
    return {name: list(_texts(value)) for name, value in inputs.items() if value is not None}


def _texts(value: Any) -> Iterator[str]:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    if is_list and not any(isinstance(item, Mapping) for item in value):
        yield from (_text(item) for item in value)
    else:
        yield _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
