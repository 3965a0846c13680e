"""The table of products: photo, name, code, stock, price and active switch, all at hand in the row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from saasbot.components.buttons import icon_button
from saasbot.components.chips import chip
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.photo import photo_row_attrs
from saasbot.components.types import Flag, Text


@dataclass(frozen=True)
class RowActions:
    """Each is called with the product's id (and the new value)."""

    open: Callable[..., Any]
    price: Callable[..., Any]
    active: Callable[..., Any]
    delete: Callable[..., Any]


def product_table(
    rows: rx.vars.ArrayVar[Any], *, actions: RowActions, may_write: Flag, price_of: Text, price_problem: Text
) -> rx.Component:
    """`rows` are ProductRows. `price_of` is the id of the row whose price could not be read, `price_problem` says why."""
    return rx.el.table(
        rx.el.thead(
            rx.el.tr(
                rx.el.th(rx.el.span(t("Photo"), class_name="visually-hidden"), scope="col"),
                rx.el.th(t("Product"), scope="col"),
                rx.el.th(t("Code"), scope="col"),
                rx.el.th(t("Stock"), scope="col", class_name="right"),
                rx.el.th(t("Price"), scope="col", class_name="right product-price"),
                rx.el.th(t("Offered"), scope="col"),
                rx.el.th(rx.el.span(t("Actions"), class_name="visually-hidden"), scope="col"),
            )
        ),
        rx.el.tbody(
            rx.foreach(
                rows,
                lambda row: _row(row, actions, may_write, rx.cond(price_of == row.id, price_problem, "").to(str)),
            )
        ),
        class_name="table products",
    )


def _row(row: rx.vars.ObjectVar[Any], actions: RowActions, may_write: Flag, problem: rx.Var[str]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(_photo(row, may_write), class_name="product-photo"),
        rx.el.td(
            rx.el.button(row.title, type="button", class_name="product-title", on_click=actions.open(row.id)),
            rx.cond(row.summary != "", rx.el.span(row.summary, class_name="product-summary")),
            class_name="product-name",
        ),
        rx.el.td(_or_dash(row.sku), class_name="product-sku"),
        rx.el.td(
            rx.cond(
                row.sold_out,
                chip(t("Sold out"), "label"),
                rx.fragment(
                    rx.cond(row.stock != "", rx.el.span(t("Stock"), " ", class_name="on-phones")), _or_dash(row.stock)
                ),
            ),
            class_name="right product-stock",
        ),
        rx.el.td(
            rx.cond(may_write, _price_field(row, actions, problem), _price_text(row)), class_name="right product-price"
        ),
        rx.el.td(
            rx.switch(
                checked=row.active,
                on_change=lambda on: actions.active(row.id, on),
                disabled=~may_write if isinstance(may_write, rx.Var) else not may_write,
                size="1",
                custom_attrs={"aria-label": t("Offer {title}", title=row.title)},
            ),
            class_name="product-active",
        ),
        rx.el.td(
            rx.cond(
                may_write,
                icon_button("trash-2", t("Delete {title}", title=row.title), on_click=actions.delete(row.id)),
            ),
            class_name="product-actions",
        ),
        key=row.id,
        data_testid="product-row",
        custom_attrs=photo_row_attrs(row.id) | {"data-product-id": row.id, "data-active": row.active},
    )


def _photo(row: rx.vars.ObjectVar[Any], may_write: Flag) -> rx.Component:
    picture = rx.cond(
        row.thumb_url != "",
        rx.el.img(
            src=row.thumb_url, alt="", width="40", height="40", loading="lazy", custom_attrs={"decoding": "async"}
        ),
        icon("image", 18),
    )
    return rx.cond(
        may_write,
        rx.el.button(
            picture,
            type="button",
            class_name="product-thumb",
            title=t("Change photo"),
            aria_label=t("Change the photo of {title}", title=row.title),
            custom_attrs={"data-photo-pick": ""},
        ),
        rx.el.span(picture, class_name="product-thumb"),
    )


def _price_field(row: rx.vars.ObjectVar[Any], actions: RowActions, problem: rx.Var[str]) -> rx.Component:
    return rx.el.div(
        rx.el.label(
            rx.el.span(row.symbol, class_name="money-symbol", aria_hidden="true"),
            rx.el.input(
                key=f"{row.id}:{row.price}",  # begins anew when the price changed elsewhere
                default_value=row.price,
                on_blur=lambda typed: actions.price(row.id, typed),
                input_mode="decimal",
                auto_complete="off",
                max_length=40,
                aria_invalid=problem != "",
                custom_attrs={
                    "data-inline": "",
                    "aria-label": t("Price of {title}", title=row.title),
                    "aria-describedby": f"price-error-{row.id}",
                },
            ),
            class_name="money-inline",
        ),
        rx.cond(
            problem != "",
            rx.el.p(problem, id=f"price-error-{row.id}", class_name="field-error", role="alert"),
        ),
    )


def _price_text(row: rx.vars.ObjectVar[Any]) -> rx.Component:
    return rx.el.span(row.symbol, "\u00a0", row.price, class_name="num")


def _or_dash(text: rx.Var[str]) -> rx.Component:
    return rx.cond(text != "", rx.el.span(text), rx.el.span("–", class_name="faint"))
