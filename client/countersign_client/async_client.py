"""The client for programs with an event loop of asyncio."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine
from contextlib import aclosing
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from countersign_client.answers import answer_of
from countersign_client.calls import Call
from countersign_client.doorbells import ENDED, REQUEST_OPENED, Doorbell, logger, refusal_in
from countersign_client.errors import ConflictError, UnreachableError, WaitTimeoutError
from countersign_client.methods import Methods
from countersign_client.pausing import Deadline, Pauses, Tries, failed_request
from countersign_client.results.pages import Numbered, Page
from countersign_client.results.requests import Answer
from countersign_client.results.runs import Event, Run
from countersign_client.results.sessions import Message
from countersign_client.routes import runs, sessions
from countersign_client.site import OPEN_TIMEOUT, Site

P = ParamSpec("P")
T = TypeVar("T")
N = TypeVar("N", bound=Numbered)
Method = Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, T]]


def asks(describe: Callable[P, Call[Run]]) -> Method[P, "AsyncQuestion"]:
    """Return a method of the client that asks people a question.

    The method has the parameters of `describe`, which returns the call that starts the question's
    run.
    """

    @wraps(describe)
    async def method(
        client: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs
    ) -> "AsyncQuestion":
        run = await client.send(describe(*args, **kwargs))
        return AsyncQuestion(client, run.id)

    return method


class AsyncClient(Methods):
    """A Countersign site, used with an API token.

    `timeout` is the number of seconds that one try of a call may take. While the site can't be
    reached, a call that may be repeated is tried again for `patience` seconds.
    """

    def __init__(
        self, address: str, token: str, *, timeout: float = 30, patience: float = 15
    ) -> None:
        self._site = Site(address, token)
        self._http = httpx.AsyncClient(base_url=self._site.api, headers=self._site.headers)
        self._timeout, self._patience = timeout, patience

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._site.address!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Send a call and return its result.

        If no response comes, the call is sent again, provided that sending a call twice does no
        harm.
        """
        return await self._send(call, Deadline(self._patience), self._timeout)

    async def _send(self, call: Call[T], deadline: Deadline, timeout: float) -> T:
        tries = Tries(call, deadline)
        while True:
            try:
                return await self._try(call, timeout)
            except UnreachableError as error:
                pause = tries.pause_after(error)
            await asyncio.sleep(pause)

    async def _try(self, call: Call[T], timeout: float) -> T:
        arguments = call.arguments()
        try:
            response = await self._http.request(
                call.method, call.path, timeout=timeout, **arguments
            )
        except httpx.RequestError as error:
            raise failed_request(error) from error
        return call.result(response)

    ask = asks(runs.ask)

    def question(self, run_id: str) -> "AsyncQuestion":
        """Return the question with this id, even if another process has asked the question."""
        return AsyncQuestion(self, run_id)

    async def wait_for_end(self, run_id: str, *, timeout: float | None = None) -> Run:
        """Return a run as soon as the run has succeeded, failed or been cancelled.

        There is no time limit by default, and lost connections don't end the wait. Raises
        `WaitTimeoutError` after `timeout` seconds.
        """
        return await self._wait(run_id, lambda run: run.is_over, timeout, ENDED)

    async def wait_for_request(
        self, run_id: str, *, known: Collection[str] = (), timeout: float | None = None
    ) -> Run:
        """Return a run as soon as the run has ended or has an open request that isn't in `known`.

        `known` are ids of requests. Like `wait_for_end`, this method waits without a time limit by
        default, and raises `WaitTimeoutError` after `timeout` seconds.
        """

        def is_found(run: Run) -> bool:
            return run.is_over or any(one.id not in known for one in run.requests)

        return await self._wait(run_id, is_found, timeout, {*ENDED, REQUEST_OPENED})

    async def follow_run(
        self, run_id: str, *, after: int = 0, timeout: float | None = None
    ) -> AsyncGenerator[Event, None]:
        """Yield the events of a run's journal with a `seq` above `after`, until the run ends.

        If you store the `seq` of the last event, another process can continue with that number as
        `after`.
        """
        bell, deadline = Doorbell(f"run:{run_id}", after), Deadline(timeout)
        has_ended = False
        found = self._follow(bell, lambda seq: runs.list_events(run_id, after=seq), deadline)
        async with aclosing(found) as events:
            async for event in events:
                yield event
                has_ended = has_ended or event.is_end
                if has_ended and await self._has_ended_at(run_id, event.seq, deadline):
                    return

    def follow_session(
        self, session_id: str, *, after: int = 0, timeout: float | None = None
    ) -> AsyncGenerator[Message, None]:
        """Yield the messages of a session whose `seq` is greater than `after`, old and new ones.

        The generator never ends by itself. Raises `WaitTimeoutError` after `timeout` seconds.
        """
        return self._follow(
            Doorbell(f"session:{session_id}", after),
            lambda seq: sessions.list_messages(session_id, after=seq),
            Deadline(timeout),
        )

    async def _wait(
        self,
        run_id: str,
        is_found: Callable[[Run], bool],
        timeout: float | None,
        kinds: Collection[str],
    ) -> Run:
        bell, deadline = Doorbell(f"run:{run_id}", kinds=kinds), Deadline(timeout)
        async with aclosing(self._rings(bell, deadline)) as rings:
            async for _ in rings:
                run = await self._look(runs.get_run(run_id), deadline)
                if is_found(run):
                    return run
                bell.seq = max(bell.seq, run.last_seq)
        raise AssertionError("The wait for changes has ended without a run and without an error.")

    async def _follow(
        self, bell: Doorbell, read: Callable[[int], Call[Page[N]]], deadline: Deadline
    ) -> AsyncGenerator[N, None]:
        after = bell.seq
        async with aclosing(self._rings(bell, deadline)) as rings:
            async for _ in rings:
                is_more = True
                while is_more:
                    page = await self._look(read(after), deadline)
                    for item in page.items:
                        after = item.seq
                        yield item
                    is_more = page.next is not None
                bell.seq = max(bell.seq, after)

    async def _has_ended_at(self, run_id: str, seq: int, deadline: Deadline) -> bool:
        run = await self._look(runs.get_run(run_id), deadline)
        return run.is_over and run.last_seq <= seq

    async def _look(self, call: Call[T], deadline: Deadline) -> T:
        """Send a call that reads something, again and again until the site responds."""
        try:
            return await self._send(call, deadline, deadline.cut(self._timeout))
        except UnreachableError as error:
            raise WaitTimeoutError(str(error)) from error

    async def _rings(self, bell: Doorbell, deadline: Deadline) -> AsyncGenerator[None, None]:
        """Yield each time the caller should read from the site: at once, and after each change.

        While no socket can be opened, yield at growing intervals instead.
        """
        pauses = Pauses()
        while True:
            yield
            deadline.check()
            try:
                async with self._connect(deadline) as socket:
                    await socket.send(bell.follow())
                    while True:
                        async with asyncio.timeout(deadline.left):
                            heard = await socket.recv()
                        pauses.reset()
                        if bell.rings(heard):
                            yield
                        if bell.has_gap:
                            await socket.send(bell.follow())
            except ConnectionClosed as closed:
                if refusal := refusal_in(closed):
                    raise refusal from None
            except (WebSocketException, OSError):
                deadline.check()  # a TimeoutError is an OSError
            await asyncio.sleep(deadline.cut(pauses.take()))

    def _connect(self, deadline: Deadline) -> connect:
        return connect(
            self._site.live,
            additional_headers=self._site.headers,
            open_timeout=deadline.cut(OPEN_TIMEOUT),
            logger=logger,
        )


class AsyncQuestion:
    """A question to people.

    Another process that knows the question's `id` can also wait for the answer.
    """

    def __init__(self, client: AsyncClient, run_id: str) -> None:
        self._client = client
        self.id = run_id

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"

    async def poll(self) -> Answer | None:
        """Return the answer, or None if there is none yet.

        Raises `NoAnswerError` if the question has ended without an answer.
        """
        run = await self._client.get_run(self.id)
        return await self._answer_in(run) if run.is_over else None

    async def wait(self, *, timeout: float | None = None) -> Answer:
        """Return the answer as soon as there is one, however often the connection breaks.

        Raises `NoAnswerError` if the question ends without an answer. Raises `WaitTimeoutError`
        after `timeout` seconds. After that, the question stays open.
        """
        return await self._answer_in(await self._client.wait_for_end(self.id, timeout=timeout))

    async def withdraw(self, reason: str) -> bool:
        """Withdraw the question; return False if the question has already ended.

        Calling this method twice is harmless.
        """
        try:
            await self._client.cancel_run(self.id, reason)
        except ConflictError:
            return False
        return True

    async def _answer_in(self, run: Run) -> Answer:
        result = run.result if run.result_at is None else await self._client.get_result(self.id)
        return answer_of(run, result)
