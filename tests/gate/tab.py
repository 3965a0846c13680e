"""A tab without a browser: Reflex's real state tree, and events put before the guard as the socket would."""

from typing import Any, cast
from uuid import uuid4

from reflex.state import State
from reflex_base.event import Event
from reflex_base.event.context import EventContext
from reflex_base.utils.format import format_event_handler

from saasbot.infra import session_cookie
from saasbot.state.guard import Guard

PASS = "pass"


class Tab:
    """Its cookie was read when its socket opened; `events` go through the guard one by one."""

    def __init__(
        self, session_token: str = "", *, guard: Guard | None = None, language: str = "en", ip: str = "127.0.0.1"
    ) -> None:
        self.token = str(uuid4())
        self.guard = guard or Guard()
        self.root = State(_reflex_internal_init=True)  # type: ignore[call-arg]
        self.language = language
        self.reconnect(session_token, ip=ip)

    def reconnect(self, session_token: str, *, ip: str = "127.0.0.1") -> None:
        """A new socket of the same tab: the page was loaded again, with the cookie of now."""
        cookie = f"locale={self.language}; {session_cookie.name()}={session_token}"
        headers = {"cookie": cookie, "accept-language": self.language, "origin": "http://localhost:3000"}
        self._data = {"token": self.token, "ip": ip, "headers": headers, "pathname": "/", "query": {}}
        self._take_router_data()

    def open(self, path: str, *, route: str = "") -> None:
        """The page at this path is on screen; `route` as Reflex knows it, where it differs."""
        self._data |= {"pathname": route or path, "asPath": path}
        self._take_router_data()

    def _take_router_data(self) -> None:
        before = cast("dict[str, Any]", self.root.router_data)
        self.root.router_data = self.root._update_router_vars(dict(self._data), before)

    async def send(self, handler: Any, /, _name: str = "", **payload: Any) -> str | list[Event]:
        """`PASS`, or the events that the tab is answered instead. `handler` is one of a state class; or give its name."""
        name = _name or format_event_handler(handler)
        context = EventContext(
            token=self.token, state_manager=cast("Any", None), enqueue_impl=cast("Any", None), router_data=self._data
        )
        reset = EventContext.set(context)
        try:
            update = await self.guard.preprocess(cast("Any", None), self.root, Event(name=name, payload=payload))
        finally:
            EventContext.reset(reset)
        return PASS if update is None else update.events

    async def state(self, cls: Any) -> Any:
        return await self.root.get_state(cls)
