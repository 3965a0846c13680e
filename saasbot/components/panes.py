"""The three panes of the inbox: what the address names, widths, and the panel at the right. See panes.js."""

import reflex as rx
from reflex_base.vars import VarData
from reflex_base.vars.function import FunctionVar

from saasbot.components.types import Text

_MODULE = rx.asset("panes.js", shared=True).importable_path

# The conversation in the address, before the server has answered; "" on the list alone.
OPEN_CONVERSATION: rx.vars.StringVar = rx.Var(
    "openConversation",
    _var_data=VarData(
        imports={_MODULE: [rx.ImportVar("useOpenConversation")]},
        hooks={"const openConversation = useOpenConversation()": None},
    ),
).to(str)

# Whether the panel at the right shows.
CONTEXT_SHOWN: rx.vars.BooleanVar = rx.Var(
    "contextShown",
    _var_data=VarData(
        imports={_MODULE: [rx.ImportVar("useContextPanel")]}, hooks={"const contextShown = useContextPanel()": None}
    ),
).to(bool)


class PaneHandle(rx.Component):
    """The movable edge of the element before it."""

    library = _MODULE
    tag = "PaneHandle"

    label: rx.Var[str]


class ListScroller(rx.Component):
    """Scrolls, and tells near its end that there is more to load."""

    library = _MODULE
    tag = "ListScroller"

    has_more: rx.Var[bool]
    count: rx.Var[int]

    on_end: rx.EventHandler[rx.event.no_args_event_spec]


def toggle_context() -> rx.event.EventSpec:
    """Shows the panel, or puts it away."""
    return rx.run_script(_function("toggleContextPanel").call())


def step_conversation(by: int) -> rx.event.EventSpec:
    """Goes to the next (1) or previous (-1) conversation of the list."""
    return rx.run_script(_function("stepConversation").call(by))


def pane_handle(label: Text) -> rx.Component:
    return PaneHandle.create(label=label)


def _function(name: str) -> FunctionVar:
    return rx.Var(name, _var_data=VarData(imports={_MODULE: [rx.ImportVar(name)]})).to(FunctionVar)
