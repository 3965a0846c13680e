"""The sheet in which a product is added or edited.

A field is named as its id with underscores: Reflex adds the value of every control with an id to a form's data, under that name.
"""

from collections.abc import Callable
from typing import Any

import reflex as rx

from saasbot.components.buttons import button
from saasbot.components.dialogs import sheet
from saasbot.components.forms import checkbox, field, text_area, text_field
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.photo import photo_field
from saasbot.components.types import Flag, Handler, Text

_FORM = "product-form"


def product_sheet(
    data: rx.vars.ObjectVar[Any],
    errors: rx.vars.ObjectVar[dict[str, str]],
    *,
    open: rx.Var[bool],
    busy: Flag,
    may_write: rx.Var[bool],
    csrf: Text,
    on_open_change: Handler,
    on_save: Handler,
    on_delete: Callable[..., Any],
) -> rx.Component:
    """`data` is a ProductSheet; `errors` are by field. Who may not write sees the fields and cannot change them."""
    form = rx.el.form(
        rx.el.fieldset(
            text_field(
                t("Name"),
                id="product-title",
                name="product_title",
                default_value=data.title,
                error=errors["title"],
                max_length=120,
                auto_focus=True,
                auto_complete="off",
                placeholder=t("As your customers call it"),
            ),
            rx.el.div(_price(data, errors), _currency(data, errors), class_name="product-money"),
            photo_field(t("Photo"), id="product-image", csrf=csrf, photo_id=data.image_id, photo_url=data.image_url),
            text_area(
                t("Description"),
                id="product-description",
                name="product_description",
                default_value=data.description,
                error=errors["description"],
                help=t("Materials, sizes, colours: the bot answers from it."),
                optional=True,
                rows=4,
                max_length=4000,
            ),
            rx.el.div(
                text_field(
                    t("Code"),
                    id="product-sku",
                    name="product_sku",
                    default_value=data.sku,
                    error=errors["sku"],
                    optional=True,
                    max_length=64,
                    auto_complete="off",
                ),
                text_field(
                    t("Units left"),
                    id="product-stock",
                    name="product_stock",
                    default_value=data.stock,
                    error=errors["stock"],
                    optional=True,
                    max_length=9,
                    input_mode="numeric",
                    auto_complete="off",
                ),
                class_name="product-pair",
            ),
            checkbox(
                t("Offer it to customers"), id="product-active", name="product_active", default_checked=data.active
            ),
            class_name="form",
            disabled=~may_write,
        ),
        id=_FORM,
        key=data.number,
        on_submit=on_save,
        custom_attrs={"noValidate": True},
    )
    return sheet(
        rx.cond(data.id == "", t("New product"), rx.cond(may_write, t("Edit product"), t("Product"))),
        form,
        open=open,
        on_open_change=on_open_change,
        footer=rx.cond(
            may_write,
            rx.fragment(
                rx.cond(
                    data.id != "",
                    button(
                        t("Delete"), kind="ghost", icon="trash-2", class_name="push-left", on_click=on_delete(data.id)
                    ),
                ),
                button(t("Cancel"), on_click=on_open_change(False)),
                button(
                    t("Save"),
                    kind="primary",
                    type="submit",
                    id="product-save",
                    busy=busy,
                    custom_attrs={"form": _FORM},
                ),
            ),
            button(t("Close"), on_click=on_open_change(False)),
        ),
    )


def _price(data: rx.vars.ObjectVar[Any], errors: rx.vars.ObjectVar[dict[str, str]]) -> rx.Component:
    return text_field(
        t("Price"),
        id="product-price",
        name="product_price",
        default_value=data.price,
        error=errors["price"],
        max_length=40,
        input_mode="decimal",
        auto_complete="off",
        placeholder="0",
    )


def _currency(data: rx.vars.ObjectVar[Any], errors: rx.vars.ObjectVar[dict[str, str]]) -> rx.Component:
    choice = rx.el.div(
        rx.el.select(
            rx.foreach(data.currencies.to(list[str]), lambda code: rx.el.option(code, value=code)),
            id="product-currency",
            name="product_currency",
            default_value=data.currency,
            class_name="input select",
        ),
        icon("chevron-down", 14),
        class_name="select-wrap",
    )
    return field(t("Currency"), choice, id="product-currency", error=errors["currency"])
