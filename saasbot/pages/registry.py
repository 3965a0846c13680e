"""`@page(...)` above a page function puts it on the list that saasbot.py mounts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx

from saasbot import routes
from saasbot.state import page_states
from saasbot.state.shell import ShellState

BRAND = "SaaSBot"


@dataclass(frozen=True)
class Page:
    """A page as `rx.App.add_page` takes it."""

    draw: Callable[[], rx.Component]
    route: str
    title: rx.Var[str]
    on_load: Sequence[Any]


PAGES: list[Page] = []


def page(
    route: str, *, title: rx.Var[str] | str, on_load: Sequence[Any] = (), states: Sequence[type[rx.State]] = ()
) -> Callable[[Callable[[], rx.Component]], Callable[[], rx.Component]]:
    """Register the function below as the page at `route` (a constant of saasbot.routes). The browser's tab says
    "`title` · SaaSBot"; `on_load` handlers run in order at every visit, on a signed-in page after the frame's own. `states` are
    all that the page shows or writes, beside those of the frame: a tab holds nothing of them once it is on a page without them.
    """

    def register(draw: Callable[[], rx.Component]) -> Callable[[], rx.Component]:
        page_states.uses(route, states)
        full = rx.Var.create(f"{title} · {BRAND}").to(str)
        framed = route not in routes.PUBLIC and route != routes.NOT_FOUND
        PAGES.append(
            Page(draw=draw, route=route, title=full, on_load=[*([ShellState.load] if framed else []), *on_load])
        )
        return draw

    return register
