"""What components take: a value known when the page is built, or a Var that the browser fills in."""

from typing import Any

import reflex as rx

Text = rx.Var[str] | str
Flag = rx.Var[bool] | bool
Number = rx.vars.NumberVar | rx.Var[int] | int

# An event handler of a state, an EventSpec, a list of them, or a lambda that returns them.
Handler = Any
