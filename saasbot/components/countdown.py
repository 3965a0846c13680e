"""Seconds that the browser counts down."""

import reflex as rx


class Countdown(rx.Component):
    """With a ring. Starts anew when `code` changes; `on_end` is called when nothing is left."""

    library = f"$/public{rx.asset('countdown.js', shared=True)}"
    tag = "Countdown"

    seconds: rx.Var[int]
    total: rx.Var[int]
    code: rx.Var[str]
    label: rx.Var[str]
    on_end: rx.EventHandler[rx.event.no_args_event_spec]
