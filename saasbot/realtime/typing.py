"""Who is typing right now. WhatsApp says when it begins and not always when it ends, so it ends by itself."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from saasbot.infra.events import Event

LASTS_SECONDS = 15.0
"""WhatsApp repeats it about every ten seconds while somebody types."""

Chat = tuple[UUID, str, str]
"""Company, number, chat."""


class TypingBoard:
    """Hears every typing event and tells the end of those that nobody ended."""

    def __init__(self, tell: Callable[[Event], None], *, lasts_seconds: float = LASTS_SECONDS) -> None:
        self._tell = tell
        self._lasts = lasts_seconds
        self._ends: dict[Chat, asyncio.TimerHandle] = {}

    def hear(self, event: Event) -> None:
        if event.kind != "typing":
            return
        chat = (event.company_id, event.ids["channel_id"], event.ids["chat_jid"])
        if (running := self._ends.pop(chat, None)) is not None:
            running.cancel()
        if event.ids["on"]:
            loop = asyncio.get_running_loop()
            self._ends[chat] = loop.call_later(self._lasts, self._end, chat, event)

    def is_typing(self, company_id: UUID, channel_id: UUID, chat_jid: str) -> bool:
        return (company_id, str(channel_id), chat_jid) in self._ends

    def stop(self, company_id: UUID, channel_id: UUID, chat_jid: str) -> None:
        """The message came: nobody is typing it any more."""
        if (running := self._ends.pop((company_id, str(channel_id), chat_jid), None)) is not None:
            running.cancel()

    def _end(self, chat: Chat, event: Event) -> None:
        del self._ends[chat]
        self._tell(replace(event, ids={**event.ids, "on": ""}))
