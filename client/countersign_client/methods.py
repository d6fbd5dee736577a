"""The methods of the blocking and of the asynchronous client that send one call each."""

from collections.abc import Callable, Coroutine
from functools import wraps
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from countersign_client.calls import Call
from countersign_client.routes import requests, runs, sessions

P = ParamSpec("P")
T = TypeVar("T")
U = TypeVar("U")


class Blocks(Protocol):
    """A client whose method `send` returns the result of a call."""

    def send(self, call: Call[U]) -> U: ...


class Awaits(Protocol):
    """A client whose method `send` returns a coroutine, which returns the result of a call."""

    def send(self, call: Call[U]) -> Coroutine[Any, Any, U]: ...


class Sent(Generic[P, T]):
    """A method of a client that sends the call which a function describes.

    The method has the same parameters as the function.
    """

    def __init__(self, describe: Callable[P, Call[T]]) -> None:
        @wraps(describe)
        def method(client: Any, /, *args: P.args, **kwargs: P.kwargs) -> Any:
            return client.send(describe(*args, **kwargs))

        self._method = method

    @overload
    def __get__(self, client: None, kind: type) -> Callable[Concatenate[Any, P], Any]: ...
    @overload
    def __get__(self, client: Blocks, kind: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: Awaits, kind: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Any, kind: type) -> Any:
        return self._method if client is None else MethodType(self._method, client)


class Methods:
    """The methods that both clients have."""

    list_procedures = Sent(runs.list_procedures)
    get_procedure = Sent(runs.get_procedure)
    start_run = Sent(runs.start_run)
    list_runs = Sent(runs.list_runs)
    get_run = Sent(runs.get_run)
    get_inputs = Sent(runs.get_inputs)
    get_result = Sent(runs.get_result)
    get_state = Sent(runs.get_state)
    list_events = Sent(runs.list_events)
    get_event = Sent(runs.get_event)
    cancel_run = Sent(runs.cancel_run)
    send_signal = Sent(runs.send_signal)
    get_signal = Sent(runs.get_signal)
    download_artifact = Sent(runs.download_artifact)

    list_requests = Sent(requests.list_requests)
    list_inbox = Sent(requests.list_inbox)
    get_request = Sent(requests.get_request)
    answer_request = Sent(requests.answer_request)
    answer_requests = Sent(requests.answer_requests)
    ask_back = Sent(requests.ask_back)
    claim_request = Sent(requests.claim_request)
    release_request = Sent(requests.release_request)
    upload_file = Sent(requests.upload_file)
    download_file = Sent(requests.download_file)

    list_sessions = Sent(sessions.list_sessions)
    open_session = Sent(sessions.open_session)
    get_session = Sent(sessions.get_session)
    list_messages = Sent(sessions.list_messages)
    send_message = Sent(sessions.send_message)
    search = Sent(sessions.search)
