"""A request's body on its way in: how large it may grow, how many come at a time, how fast, and how long it may be silent."""

import asyncio
import math
import time
from collections.abc import Sequence

from starlette.types import Message, Receive, Send

from saasbot.api import limits
from saasbot.api.limits import Buckets, Held
from saasbot.api.refusals import TOO_LARGE, TOO_MANY_BODIES, TOO_SLOW, Refusal, too_often

_GONE: Message = {"type": "http.disconnect"}


Sender = tuple[str, int]
"""Whose a body is, and how many of theirs may come at a time."""


class Traffic:
    """What is on its way in. A body that comes in one piece has arrived when it is seen, and is not counted."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._arriving = Held()

    def begin(self, senders: Sequence[Sender], factor: float) -> bool:
        """Whether one more may come, of each of them."""
        for taken, (whose, most) in enumerate(senders):
            if not self._arriving.take(whose, most * factor):
                self.end(senders[:taken])
                return False
        return True

    def end(self, senders: Sequence[Sender]) -> None:
        for whose, _ in senders:
            self._arriving.give_back(whose)

    def wait(self, senders: Sequence[Sender], size: int, factor: float) -> float:
        """Seconds until the next piece may be read."""
        return max(self._buckets.draw("bytes", whose, limits.BYTES, size, factor=factor) for whose, _ in senders)

    def may_parse(self, senders: Sequence[Sender], size: int, factor: float) -> float:
        """0 when a body of this size may be parsed, or the seconds until one may."""
        return max(self._buckets.spend("json", whose, limits.JSON_BYTES, size, factor=factor) for whose, _ in senders)


class ArrivingBody:
    """`receive` and `send` of one request. What is cut counts as a lost client and is answered by `refusal`."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        traffic: Traffic,
        senders: Sequence[Sender],
        *,
        limit: int,
        is_json: bool = False,
        factor: float,
    ) -> None:
        self._receive, self._send = receive, send
        self._traffic, self._senders, self._factor = traffic, senders, factor
        self._limit, self._is_json, self._size, self._began = limit, is_json, 0, time.monotonic()
        self._brackets = 0
        self._is_counted = self._is_complete = False
        self.refusal: Refusal | None = None
        self.answered = False

    async def receive(self) -> Message:
        if self.refusal:
            return _GONE
        if self._is_complete:
            return await self._receive()
        try:
            async with asyncio.timeout(limits.LONGEST_SILENCE):
                message = await self._receive()
        except TimeoutError:
            return self._cut(TOO_SLOW)
        return await self._piece(message) if message["type"] == "http.request" else message

    async def send(self, message: Message) -> None:
        if self.refusal and not self.answered:
            return  # what the application says about the cut body is not the reason
        self.answered = True
        await self._send(message)

    def end(self) -> None:
        """The request is over, however."""
        if self._is_counted:
            self._is_counted = False
            self._traffic.end(self._senders)

    async def _piece(self, message: Message) -> Message:
        piece = message.get("body", b"")
        size = len(piece)
        self._size += size
        if self._is_json:
            self._brackets += piece.count(b"[") + piece.count(b"{")
        if self._size > self._limit or self._brackets > limits.MOST_BRACKETS:
            return self._cut(TOO_LARGE)
        if not message.get("more_body"):
            self._is_complete = True
            self.end()
            return self._unless_too_much(message)
        if not self._is_counted:
            if not self._traffic.begin(self._senders, self._factor):
                return self._cut(TOO_MANY_BODIES)
            self._is_counted = True
        seconds = time.monotonic() - self._began
        if seconds > limits.SLOWEST_AFTER and self._size < seconds * limits.SLOWEST:
            return self._cut(TOO_SLOW)
        if wait := self._traffic.wait(self._senders, size, self._factor):
            await asyncio.sleep(wait)
        return message

    def _unless_too_much(self, message: Message) -> Message:
        """The last piece, after which the whole is parsed."""
        if not self._is_json or not self._size:
            return message
        wait = self._traffic.may_parse(self._senders, self._size, self._factor)
        return self._cut(too_often(math.ceil(wait))) if wait else message

    def _cut(self, refusal: Refusal) -> Message:
        self.refusal = refusal
        self.end()
        return _GONE
