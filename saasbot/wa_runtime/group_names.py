"""What groups are called, asked of WhatsApp by the number's holder.

The library has events of groups that are joined or renamed, but none for a group that the phone was in before. So the name is
asked when somebody writes in the group: the first time, and again when half a day has gone by, for it may have changed.
"""

import time

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.groups import name_group
from saasbot.infra.db import unit_of_work
from saasbot.wa_runtime.transport import Transport

_KNOWN_SECONDS, _UNKNOWN_SECONDS = 12 * 60 * 60, 60
"""Not asked again before, where WhatsApp said a name and where it did not."""
_REMEMBERED = 2_000


class GroupNames:
    """Of the groups of one number."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._not_before: dict[str, float] = {}

    async def ask(self, chat_jid: str, transport: Transport) -> None:
        """The group has the name that WhatsApp says, unless that was asked lately. Raises: NotConnected."""
        if self._not_before.get(chat_jid, 0) > time.monotonic():
            return
        self._wait(chat_jid, _UNKNOWN_SECONDS)
        name = await transport.group_name(chat_jid)
        if name.strip():
            async with unit_of_work(self._actor):
                await name_group(self._actor, chat_jid, name)
            self._wait(chat_jid, _KNOWN_SECONDS)

    def _wait(self, chat_jid: str, seconds: float) -> None:
        self._not_before[chat_jid] = time.monotonic() + seconds
        while len(self._not_before) > _REMEMBERED:
            del self._not_before[next(iter(self._not_before))]
