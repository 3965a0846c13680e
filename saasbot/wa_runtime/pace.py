"""The pace of a person, for what no person typed: before the first message of a burst, "typing…" shows for as long as somebody
would need. Chats wait side by side, and nothing waits behind them: whoever sends asks which of them may go on now.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from saasbot.domain.channels.outbox import WaitingChat
from saasbot.infra.logging import get_logger
from saasbot.wa_runtime.transport import NotConnected

log = get_logger(__name__)

BASE_SECONDS, SECONDS_A_CHARACTER, LONGEST_SECONDS = 0.25, 0.035, 4.0
JITTER = 0.2
"""Up to this share more or less: nobody types like a clock."""


def pause_before(text: str, *, factor: float, chance: float) -> float:
    """Seconds to type before this text leaves. `factor` is the setting, `chance` a number from 0 to 1."""
    seconds = (BASE_SECONDS + SECONDS_A_CHARACTER * len(text)) * (1 + JITTER * (2 * chance - 1))
    return factor * min(seconds, LONGEST_SECONDS)


class Pace:
    """Of one number. `show_typing(chat_jid, on)` is the transport's."""

    def __init__(
        self,
        factor: float,
        show_typing: Callable[[str, bool], Awaitable[None]],
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._factor, self._show_typing, self._chance = factor, show_typing, chance
        self._ready_at: dict[UUID, float] = {}
        self._chats: dict[UUID, str] = {}
        self._showing: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    @property
    def of_a_person(self) -> bool:
        """Whether it holds anything back at all."""
        return self._factor > 0

    @property
    def ready(self) -> list[UUID] | None:
        """Conversations whose automatic messages may leave now; None: all of them."""
        if not self.of_a_person:
            return None
        now = self._loop.time()
        return [conversation_id for conversation_id, at in self._ready_at.items() if at <= now]

    def look(self, waiting: Sequence[WaitingChat]) -> float | None:
        """These are all the chats in which automatic messages wait. In how many seconds the first may leave, None without any.

        Those that are new begin to wait; those that are gone have ended their burst, and the next one waits anew.
        """
        for chat in waiting:
            if chat.conversation_id not in self._ready_at:
                pause = pause_before(chat.text, factor=self._factor, chance=self._chance())
                self._ready_at[chat.conversation_id] = self._loop.time() + pause
                self._chats[chat.conversation_id] = chat.chat_jid
                self._show(chat.chat_jid, on=True)
        for conversation_id in self._ready_at.keys() - {chat.conversation_id for chat in waiting}:
            del self._ready_at[conversation_id]
            self._show(self._chats.pop(conversation_id), on=False)
        return min(self._ready_at.values()) - self._loop.time() if self._ready_at else None

    def _show(self, chat_jid: str, *, on: bool) -> None:
        task = asyncio.create_task(self._shown(chat_jid, on))
        self._showing.add(task)
        task.add_done_callback(self._showing.discard)

    async def _shown(self, chat_jid: str, on: bool) -> None:
        try:
            await self._show_typing(chat_jid, on)
        except NotConnected:
            pass
        except Exception:  # the message matters, not this
            log.exception("pace.typing_not_shown")
