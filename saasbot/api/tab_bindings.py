"""Which session a tab's token belongs to. Browsers choose the token; whoever knew another's would get their tab's state."""

import re
import time
from collections import OrderedDict
from uuid import UUID

from saasbot.domain.admin.tab_bindings import claim_tab
from saasbot.infra.crypto import token_hash

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_REMEMBERED = 50_000
_WRITTEN_AGAIN_SECONDS = 24 * 3600.0


def is_tab_token(token: str) -> bool:
    return _UUID.fullmatch(token) is not None


class TabBindings:
    """A token belongs to the session it was first used with, until that session has ended.

    A tab in which somebody signs in or out keeps its token: the guard empties its state when the session changes. The
    database holds the bindings, for all processes and after a restart; a tab that comes again is known from memory.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[UUID, float]] = OrderedDict()

    async def allow(self, tab: str, session_id: UUID | None) -> bool:
        """Whether this live session (nothing: nobody's) may use the tab; then the tab is its own from now on.

        Raises: `infra.db.UNAVAILABLE`.
        """
        holder, written_at = self._known.get(tab, (None, 0.0))
        now = time.monotonic()
        if session_id is not None and holder == session_id and now - written_at < _WRITTEN_AGAIN_SECONDS:
            return True
        if not await claim_tab(token_hash(tab), session_id):
            return False
        if session_id is not None:
            self._known[tab] = (session_id, now)
            self._known.move_to_end(tab)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return True
