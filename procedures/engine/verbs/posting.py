"""The optional parts of a message: Markdown, data, files, and links to steps."""

from collections.abc import Sequence
from typing import Any

from procedures.engine.errors import OptionError
from procedures.engine.values import canonical
from procedures.engine.values.files import File, named_files
from procedures.engine.values.options import check_kind, check_text
from procedures.engine.values.orders import orders_in

MOST_CITED = 20
OF = "of ctx.notify"


def posted(body: str, data: Any, files: Sequence[File], cites: Sequence[str]) -> dict[str, Any]:
    """Return the given parts as fields of the message's event.

    Raises `OptionError` for parts that can't be shown.
    """
    return {**_body(body), **_data(data), **_files(files), **_cites(cites)}


def _body(body: str) -> dict[str, Any]:
    text = canonical.legible(check_text(f"body= {OF}", body))
    return {"body": text} if text else {}


def _data(data: Any) -> dict[str, Any]:
    if data is None:
        return {}
    try:
        plain = canonical.jsonable(data)
        canonical.text_of(plain)
    except ValueError as error:
        raise OptionError(f"data= {OF} can't be shown: {error}") from None
    order = orders_in(plain)
    return {"data": plain, "order": order} if order else {"data": plain}


def _files(files: Sequence[File]) -> dict[str, Any]:
    check_kind(f"files= {OF}", files, list | tuple, "a list of files")
    for file in files:
        check_kind(f"files= {OF}", file, File, "a list of files")
    return named_files(files)


def _cites(cites: Sequence[str]) -> dict[str, Any]:
    check_kind(f"cites= {OF}", cites, list | tuple, "a list of step names")
    if len(cites) > MOST_CITED:
        raise OptionError(f"cites= {OF} can name at most {MOST_CITED} steps.")
    found = [canonical.legible(check_text(f"Each of cites= {OF}", one)) for one in cites]
    return {"cites": found} if found else {}
