"""The catalogue page: a page of products, and the sheet that edits one."""

from functools import partial
from uuid import UUID

import reflex as rx
from typing_extensions import TypedDict

from saasbot import routes
from saasbot.domain import catalogue
from saasbot.domain.actor import Actor
from saasbot.domain.catalogue import Position, ProductPage
from saasbot.domain.catalogue.edit import company_currency
from saasbot.domain.media import media_urls
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import AppError, InvalidInput, NotFound
from saasbot.infra.i18n import error_text, gettext
from saasbot.infra.logging import get_logger
from saasbot.infra.money import parse_money
from saasbot.models import Product
from saasbot.realtime.hub import assign
from saasbot.realtime.watches import Changes, Reading
from saasbot.state import live, toasts
from saasbot.state.arguments import EXACT, Id, Line, Text
from saasbot.state.locale import locale_of
from saasbot.state.patience import patient
from saasbot.state.product_rows import ProductRow, ProductSheet, product_row, product_sheet
from saasbot.state.session import current_actor

log = get_logger(__name__)

PAGE = 50
FIELDS = ("title", "price", "currency", "stock", "sku", "description", "image")
_LONGEST_STOCK = 9


class ProductForm(TypedDict):
    """What the sheet's form sends."""

    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    product_title: Text
    product_price: Text
    product_currency: Line
    product_description: Text
    product_sku: Text
    product_stock: Text
    product_active: bool
    image_id: Id


class CatalogueState(rx.State):
    rows: rx.Field[list[ProductRow]] = rx.field(default_factory=list)
    loaded: rx.Field[bool] = rx.field(False)
    failed: rx.Field[bool] = rx.field(False)
    query: rx.Field[str] = rx.field("")
    page_number: rx.Field[int] = rx.field(1)
    has_next: rx.Field[bool] = rx.field(False)

    price_of: rx.Field[str] = rx.field("")
    """The row whose price could not be read, and why."""
    price_problem: rx.Field[str] = rx.field("")

    sheet_open: rx.Field[bool] = rx.field(False)
    sheet: rx.Field[ProductSheet] = rx.field(default_factory=ProductSheet)
    errors: rx.Field[dict[str, str]] = rx.field(default_factory=lambda: dict.fromkeys(FIELDS, ""))
    busy: rx.Field[bool] = rx.field(False)

    _starts: list[Position | None] = [None]
    """After which product each page up to this one begins."""
    _next: Position | None = None

    @rx.event
    @patient
    async def load(self):
        """The page opens: the newest products, and from now on what changes."""
        self.query, self._starts, self.page_number = "", [None], 1
        self.sheet_open, self.price_of = False, ""
        await self._look()

    @rx.event
    async def search(self, query: Line):
        self.query, self._starts, self.page_number = query[:200], [None], 1
        await self._look()

    @rx.event
    async def clear_search(self):
        """The whole list again, and the box ready for other words."""
        self.query, self._starts, self.page_number = "", [None], 1
        await self._look()
        return [rx.set_value("product-search", ""), rx.set_focus("product-search")]

    @rx.event
    async def turn_page(self, forward: bool):
        if forward and self._next is not None:
            self._starts = [*self._starts, self._next]
        elif not forward and len(self._starts) > 1:
            self._starts = self._starts[:-1]
        self.page_number = len(self._starts)
        await self._look()

    @rx.event
    async def open_new(self):
        actor = await current_actor(self)
        async with unit_of_work(actor):
            currency = await company_currency(actor)
        self._open(ProductSheet.empty(currency, number=self.sheet.number + 1))

    @rx.event
    async def open_product(self, product_id: Id):
        actor, locale = await current_actor(self), await locale_of(self)
        async with unit_of_work(actor):
            product = await catalogue.get_product(actor, _id(product_id))
            pictures = await catalogue.pictures_of(actor, [product])
        self._open(product_sheet(product, pictures, locale, number=self.sheet.number + 1))

    @rx.event
    def set_sheet_open(self, is_open: bool):
        self.sheet_open = is_open

    @rx.event
    async def save(self, form: ProductForm):
        """The product is stored and the sheet closed, or the errors stand beside their fields."""
        actor, locale = await current_actor(self), await locale_of(self)
        self.errors, self.busy = dict.fromkeys(FIELDS, ""), True
        yield
        try:
            await _store(actor, self.sheet.id, form, locale)
        except AppError as error:
            field = error.field if isinstance(error, InvalidInput) and error.field in FIELDS else None
            field = "sku" if isinstance(error, catalogue.SkuTaken) else field
            self.busy = False
            if field is None:
                yield toasts.error(error_text(locale, error))
            else:
                self.errors = {**self.errors, field: error_text(locale, error)}
                yield rx.set_focus(f"product-{field}")
            return
        is_new = not self.sheet.id
        self.busy, self.sheet_open = False, False
        if is_new and (self.query or self.page_number > 1):
            self.query, self._starts, self.page_number = "", [None], 1
            yield rx.set_value("product-search", "")
        await self._look()

    @rx.event
    async def save_price(self, product_id: Id, typed: Line):
        """The price typed into a row is stored, or the row says why not."""
        actor, locale = await current_actor(self), await locale_of(self)
        self.price_of, self.price_problem = "", ""
        try:
            async with unit_of_work(actor):
                product = await catalogue.get_product(actor, _id(product_id))
                price = parse_money(typed, currency=product.currency, locale=locale)
                if price != product.price_minor:
                    await catalogue.update_product(actor, product.id, price_minor=price)
        except InvalidInput as error:
            self.price_of, self.price_problem = product_id, error_text(locale, error)

    @rx.event
    async def set_active(self, product_id: Id, active: bool):
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await catalogue.update_product(actor, _id(product_id), active=active)

    @rx.event
    async def set_photo(self, product_id: Id, media_id: Id):
        """A photo was uploaded for a row."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await catalogue.set_image(actor, _id(product_id), _id(media_id))

    @rx.event
    def photo_failed(self, problem: Text):
        """The browser could not upload a photo and says why."""
        return toasts.error(problem[:300])

    @rx.event
    async def delete(self, product_id: Id):
        """The product is gone; for ten seconds a click brings it back."""
        actor, locale = await current_actor(self), await locale_of(self)
        async with unit_of_work(actor):
            product = await catalogue.delete_product(actor, _id(product_id))
        self.sheet_open = False
        text = gettext(locale, "{title} was deleted", title=product.title)
        return toasts.undo(text, gettext(locale, "Undo"), CatalogueState.restore(product_id))

    @rx.event
    async def restore(self, product_id: Id):
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await catalogue.restore_product(actor, _id(product_id))

    def _open(self, sheet: ProductSheet) -> None:
        self.sheet, self.sheet_open, self.busy = sheet, True, False
        self.errors = dict.fromkeys(FIELDS, "")

    async def _look(self) -> None:
        """Show the page of products that the vars name, now and whenever one of them changes."""
        load = partial(_read, self.query, self._starts[-1])
        actor = await live.watch(self, "catalogue", topics=("product",), load=load, show=_show, page=routes.CATALOGUE)
        try:
            page = await load(actor, Changes(everything=True), Reading())
        except Exception:  # the page says that it could not read, and offers to try again
            log.exception("catalogue.not_read", company_id=str(actor.company_id))
            assign(self, failed=True, loaded=True)
            return
        await _show(self, page)


async def _read(query: str, after: Position | None, actor: Actor, _changes: Changes, reading: Reading) -> ProductPage:
    async def read() -> ProductPage:
        async with unit_of_work(actor):
            return await catalogue.list_products(actor, query=query, limit=PAGE, after=after)

    return await reading.once(("catalogue", actor.company_id, query, after), read)


async def _show(state: CatalogueState, page: ProductPage) -> None:
    locale = await locale_of(state)
    urls = media_urls(page.pictures.values())
    rows = [product_row(product, urls, locale) for product in page.products]
    state._next = page.next
    assign(state, rows=rows, has_next=page.next is not None, loaded=True, failed=False)


async def _store(actor: Actor, product_id: str, form: ProductForm, locale: str) -> Product:
    """Raises: AppError."""
    fields = catalogue.ProductChanges(
        title=form["product_title"],
        description=form["product_description"],
        price_minor=parse_money(form["product_price"], currency=form["product_currency"], locale=locale),
        currency=form["product_currency"],
        sku=form["product_sku"],
        stock=_stock(form["product_stock"]),
        active=form["product_active"],
    )
    image_id = _id(form["image_id"]) if form["image_id"] else None
    async with unit_of_work(actor):
        if product_id:
            await catalogue.update_product(actor, _id(product_id), **fields)
            return await catalogue.set_image(actor, _id(product_id), image_id)
        return await catalogue.create_product(actor, **fields, image_id=image_id)


def _stock(typed: str) -> int | None:
    typed = typed.strip()
    if typed and not (typed.isascii() and typed.isdigit() and len(typed) <= _LONGEST_STOCK):
        raise InvalidInput("stock", "Write how many units are left, or leave it empty.")
    return int(typed) if typed else None


def _id(value: str) -> UUID:
    """An id from the browser. Raises: NotFound."""
    try:
        return UUID(value)
    except ValueError:
        raise NotFound from None
