"""Products as the catalogue page shows them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from babel.numbers import get_currency_symbol

from saasbot.domain.media import MediaUrls, media_urls
from saasbot.domain.media.urls import NOTHING
from saasbot.infra.i18n import home_locale
from saasbot.infra.money import format_amount
from saasbot.models import Media, Product

_SUMMARY = 140
_OFFERED_CURRENCIES = ("ARS", "BOB", "BRL", "CLP", "COP", "CRC", "DOP", "EUR", "GTQ", "MXN", "PEN", "PYG", "USD", "UYU")


@dataclass(frozen=True)
class ProductRow:
    """A row of the table."""

    id: str
    title: str
    summary: str
    sku: str
    stock: str
    sold_out: bool
    symbol: str
    price: str
    """The amount alone, as it is typed."""
    active: bool
    thumb_url: str


@dataclass(frozen=True)
class ProductSheet:
    """What the sheet's fields begin with."""

    id: str = ""
    """Empty for a product that is being added."""
    number: int = 0
    """Grows each time the sheet opens: its fields begin anew."""
    title: str = ""
    price: str = ""
    currency: str = ""
    description: str = ""
    sku: str = ""
    stock: str = ""
    active: bool = True
    image_id: str = ""
    image_url: str = ""
    currencies: list[str] = field(default_factory=list)

    @classmethod
    def empty(cls, currency: str, *, number: int) -> "ProductSheet":
        return cls(number=number, currency=currency, currencies=_currencies(currency))


def product_row(product: Product, urls: Mapping[UUID, MediaUrls], locale: str) -> ProductRow:
    picture = urls.get(product.image_id, NOTHING) if product.image_id else NOTHING
    return ProductRow(
        id=str(product.id),
        title=product.title,
        summary=" ".join(product.description.split())[:_SUMMARY],
        sku=product.sku or "",
        stock="" if product.stock is None else str(product.stock),
        sold_out=product.stock == 0,
        symbol=get_currency_symbol(product.currency, home_locale(product.currency, locale)),
        price=format_amount(product.price_minor, product.currency, locale),
        active=product.active,
        thumb_url=picture.thumb_url,
    )


def product_sheet(product: Product, pictures: Mapping[UUID, Media], locale: str, *, number: int) -> ProductSheet:
    picture = media_urls(pictures.values()).get(product.image_id, NOTHING) if product.image_id else NOTHING
    return ProductSheet(
        id=str(product.id),
        number=number,
        title=product.title,
        price=format_amount(product.price_minor, product.currency, locale),
        currency=product.currency,
        description=product.description,
        sku=product.sku or "",
        stock="" if product.stock is None else str(product.stock),
        active=product.active,
        image_id=str(product.image_id or ""),
        image_url=picture.url,
        currencies=_currencies(product.currency),
    )


def _currencies(own: str) -> list[str]:
    return [own, *(code for code in _OFFERED_CURRENCIES if code != own)]
