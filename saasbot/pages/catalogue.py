"""What the company sells."""

from typing import Any

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import button
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.keyboard import shortcut
from saasbot.components.pager import pager
from saasbot.components.photo import photo_rows
from saasbot.components.product_form import product_sheet
from saasbot.components.product_table import RowActions, product_table
from saasbot.components.shell import page_body, page_header
from saasbot.components.states import empty_state, error_state, skeleton
from saasbot.pages.frame import frame
from saasbot.pages.registry import page
from saasbot.state.catalogue import CatalogueState
from saasbot.state.session import SessionState

ACTIONS = RowActions(
    open=CatalogueState.open_product,
    price=CatalogueState.save_price,
    active=CatalogueState.set_active,
    delete=CatalogueState.delete,
)
MAY_WRITE = SessionState.permissions.contains("catalogue.write")


@page(routes.CATALOGUE, title=t("Catalogue"), on_load=[CatalogueState.load], states=[CatalogueState])
def catalogue() -> rx.Component:
    return frame(
        page_header(
            t("Catalogue"),
            t("What you sell, and what the bot may offer"),
            rx.cond(MAY_WRITE, _add(id="product-add")),
        ),
        page_body(_toolbar(), _content(), class_name="catalogue"),
        product_sheet(
            CatalogueState.sheet,
            CatalogueState.errors,
            open=CatalogueState.sheet_open,
            busy=CatalogueState.busy,
            may_write=MAY_WRITE,
            csrf=SessionState.csrf_token,
            on_open_change=CatalogueState.set_sheet_open,
            on_save=CatalogueState.save,
            on_delete=CatalogueState.delete,
        ),
        shortcut("n", CatalogueState.open_new),
        shortcut("/", rx.set_focus("product-search")),
        active=routes.CATALOGUE,
        shortcuts=[("N", t("Add product")), ("/", t("Search products"))],
    )


def _add(**props: Any) -> rx.Component:
    return button(t("Add product"), kind="primary", icon="plus", on_click=CatalogueState.open_new, **props)


def _toolbar() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            icon("search"),
            rx.el.input(
                id="product-search",
                type="search",
                class_name="input",
                placeholder=t("Search products"),
                aria_label=t("Search products"),
                auto_complete="off",
                max_length=200,
                on_change=CatalogueState.search.debounce(250),
            ),
            class_name="search-box",
        ),
        _pager(),
        class_name="catalogue-bar",
        role="search",
    )


def _pager() -> rx.Component:
    turn = CatalogueState.turn_page
    return pager(CatalogueState.page_number, CatalogueState.has_next, turn, back=t("Previous"), forward=t("Next"))


def _content() -> rx.Component:
    table = photo_rows(
        product_table(
            CatalogueState.rows,
            actions=ACTIONS,
            may_write=MAY_WRITE,
            price_of=CatalogueState.price_of,
            price_problem=CatalogueState.price_problem,
        ),
        csrf=SessionState.csrf_token,
        disabled=~MAY_WRITE,
        on_photo=CatalogueState.set_photo,
        on_problem=CatalogueState.photo_failed,
    )
    return rx.cond(
        ~CatalogueState.loaded,
        skeleton("rows", 8),
        rx.cond(
            CatalogueState.failed,
            error_state(t("Your products could not be read."), on_retry=CatalogueState.load),
            rx.cond(CatalogueState.rows.length() > 0, table, _nothing()),
        ),
    )


def _nothing() -> rx.Component:
    return rx.cond(
        CatalogueState.query != "",
        empty_state(
            "search-x",
            t("Nothing matches “{query}”", query=CatalogueState.query),
            t("Try fewer words. Accents and small slips do not matter."),
            button(t("Show all products"), on_click=CatalogueState.clear_search),
        ),
        empty_state(
            "package-open",
            t("What do you sell?"),
            t("Add your first product with its price and a photo: the bot answers from here, and from nowhere else."),
            rx.cond(MAY_WRITE, _add()),
        ),
    )
