"""Which session a tab's token belongs to. Browsers choose the token; whoever knew another's would get their tab's state."""

import re
from collections import OrderedDict

from saasbot.domain.accounts import Cookie, authenticate

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_REMEMBERED = 50_000


def is_tab_token(token: str) -> bool:
    return _UUID.fullmatch(token) is not None


class TabBindings:
    """A token belongs to the session it was first used with, until that session has ended.

    A tab in which somebody signs in or out keeps its token: the guard empties its state when the session changes. In
    several processes each has bindings of its own; the guard's check of the state itself holds for all.
    """

    def __init__(self) -> None:
        self._session_of: OrderedDict[str, str] = OrderedDict()

    async def allows(self, tab: str, session_token: str) -> bool:
        """Whether this session may use the tab; then the tab is its own from now on."""
        bound = self._session_of.get(tab)
        if bound and bound != session_token and await authenticate(Cookie(bound)) is not None:
            return False
        self._session_of[tab] = session_token
        self._session_of.move_to_end(tab)
        while len(self._session_of) > _REMEMBERED:
            self._session_of.popitem(last=False)
        return True
