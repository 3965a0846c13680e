"""The browser tabs of this process: which are connected, and how their state is changed from outside a handler."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, TypeVar

import reflex as rx

S = TypeVar("S")


class TabState(Protocol):
    """A tab's state while it is locked."""

    @property
    def page(self) -> str:
        """The route on screen, as `saasbot.routes` writes it."""
        ...

    async def get(self, state: type[S]) -> S: ...


class Tabs(Protocol):
    """What the hub needs of the web framework."""

    def connected(self) -> set[str]:
        """Client tokens whose socket is open in this process."""
        ...

    def modify(self, tab: str, state: type[Any]) -> AbstractAsyncContextManager[TabState]:
        """Hold the tab's lock; what changed is sent to the browser when the block ends."""
        ...


class ReflexTabs:
    """Tabs of a Reflex app (0.10: `App.modify_state`, `EventNamespace.sid_to_token`)."""

    def __init__(self, app: rx.App) -> None:
        self._app = app

    def connected(self) -> set[str]:
        namespace = self._app.event_namespace
        return set(namespace.sid_to_token.values()) if namespace is not None else set()

    @asynccontextmanager
    async def modify(self, tab: str, state: type[Any]) -> AsyncIterator[TabState]:
        async with self._app.modify_state(rx.BaseStateToken(ident=tab, cls=state)) as root:
            yield _ReflexState(root)


class _ReflexState:
    def __init__(self, root: rx.state.BaseState) -> None:
        self._root = root

    @property
    def page(self) -> str:
        return self._root.router.route_id

    async def get(self, state: type[S]) -> S:
        return await self._root.get_state(state)  # pyright: ignore[reportArgumentType, reportReturnType]  # states only


def assign(state: object, **values: Any) -> None:
    """Set only what differs: a var that is set is sent, changed or not."""
    for name, value in values.items():
        if getattr(state, name) != value:
            setattr(state, name, value)
