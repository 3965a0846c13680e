"""Lucide icons at the product's sizes and stroke."""

from typing import Any

import reflex as rx

from saasbot.components.types import Text

ROW = 16
RAIL = 18


def icon(name: str, size: int = ROW, label: Text | None = None, **props: Any) -> rx.Component:
    """One icon. With `label` it speaks to screen readers; without, the text beside it does and it is hidden."""
    attrs = {"strokeWidth": 1.75, **props.pop("custom_attrs", {})}
    if label is None:
        attrs["aria-hidden"] = True
    else:
        attrs |= {"role": "img", "aria-label": label}
    return rx.icon(name, size=size, flex_shrink="0", custom_attrs=attrs, **props)
