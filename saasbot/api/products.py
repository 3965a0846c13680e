"""`/api/v1/products`: what the company sells. Prices are integer minor units of their `currency`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from urllib.parse import urljoin
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field
from starlette.datastructures import UploadFile

from saasbot.api.callers import CurrentActor
from saasbot.api.paging import CurrentPage, Listing, next_cursor
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body, Changes, Flag, Number, Text
from saasbot.domain import catalogue
from saasbot.domain.catalogue import Position, ProductChanges, ProductPage
from saasbot.domain.media import MAX_UPLOAD_BYTES, UploadTooLarge, media_urls, store_image
from saasbot.domain.media.urls import NOTHING
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import InvalidInput
from saasbot.infra.settings import settings
from saasbot.models import Media, Product

router = ApiRouter("products")

_FILE = {"anyOf": [{"type": "string", "contentMediaType": "application/octet-stream"}, {"type": "null"}]}
_PHOTO_FORM = {
    "requestBody": {
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "properties": {"file": _FILE, "image": _FILE}}}
        }
    }
}
"""Described by hand: a parameter of the endpoint would be read before anybody knows who asks."""


class ProductOut(BaseModel):
    id: UUID
    title: str
    description: str
    price: int
    currency: str
    sku: str | None
    stock: int | None
    active: bool
    image_url: str | None
    """Signed, valid for at least half an hour."""
    thumbnail_url: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, product: Product, pictures: Mapping[UUID, Media]) -> "ProductOut":
        urls = media_urls(pictures.values()).get(product.image_id, NOTHING) if product.image_id else NOTHING
        return cls(
            id=product.id,
            title=product.title,
            description=product.description,
            price=product.price_minor,
            currency=product.currency,
            sku=product.sku,
            stock=product.stock,
            active=product.active,
            image_url=_absolute(urls.url),
            thumbnail_url=_absolute(urls.thumb_url),
            created_at=product.created_at,
            updated_at=product.updated_at,
        )


class ProductIn(Body):
    title: str
    description: str = ""
    price: Annotated[Number, Field(description="Integer minor units: 4599000 is $ 45.990,00.")]
    currency: Annotated[str | None, Field(description="ISO 4217; without it the company's.")] = None
    sku: str | None = None
    stock: Annotated[Number | None, Field(description="Units left; null when they are not counted.")] = None
    active: Flag = True


class ProductChangesIn(Changes):
    """Members that are left out stay as they are."""

    shown = ProductOut

    title: str = ""
    description: str = ""
    price: Number = 0
    currency: str = ""
    sku: str | None = None
    stock: Number | None = None
    active: Flag = True

    def changes(self) -> ProductChanges:
        given = self.model_dump(exclude_unset=True)
        if "price" in given:
            given["price_minor"] = given.pop("price")
        return ProductChanges(**given)


@router.get("")
async def list_products(
    actor: CurrentActor,
    page: CurrentPage,
    q: Annotated[Text, Query(max_length=200, description="Accents and small slips do not matter.")] = "",
) -> Listing[ProductOut]:
    """Newest first; with `q`, the best answers first."""
    position = page.after(int, UUID)
    after = Position(*position) if position else None
    if after and not -(2**31) <= after.rank < 2**31:
        raise InvalidInput("cursor", "This is not a cursor of this list.")
    async with unit_of_work(actor):
        found = await catalogue.list_products(actor, query=q, limit=page.limit, after=after)
    return _listing(found)


@router.post("", status_code=201)
async def create_product(actor: CurrentActor, body: ProductIn) -> ProductOut:
    async with unit_of_work(actor):
        product = await catalogue.create_product(
            actor,
            title=body.title,
            description=body.description,
            price_minor=body.price,
            currency=body.currency,
            sku=body.sku,
            stock=body.stock,
            active=body.active,
        )
    return ProductOut.of(product, {})


@router.get("/{product_id}")
async def get_product(actor: CurrentActor, product_id: UUID) -> ProductOut:
    async with unit_of_work(actor):
        product = await catalogue.get_product(actor, product_id)
        return ProductOut.of(product, await catalogue.pictures_of(actor, [product]))


@router.put("/{product_id}")
async def update_product(actor: CurrentActor, product_id: UUID, body: ProductChangesIn) -> ProductOut:
    async with unit_of_work(actor):
        product = await catalogue.update_product(actor, product_id, **body.changes())
        return ProductOut.of(product, await catalogue.pictures_of(actor, [product]))


@router.delete("/{product_id}", status_code=204)
async def delete_product(actor: CurrentActor, product_id: UUID) -> Response:
    """The product is in no list and no answer any more. Deleting it again changes nothing."""
    async with unit_of_work(actor):
        await catalogue.delete_product(actor, product_id)
    return Response(status_code=204)


@router.post("/{product_id}/image", openapi_extra=_PHOTO_FORM)
async def set_image(actor: CurrentActor, product_id: UUID, request: Request) -> ProductOut:
    """A photo (JPEG, PNG, WebP, GIF or AVIF, at most 10 MB) in the part `file` or `image`. It is encoded anew, without
    what it carried along.
    """
    async with unit_of_work(actor):
        actor.require("catalogue.write")
        await catalogue.get_product(actor, product_id)
    async with request.form(max_files=2, max_fields=2) as form:  # only now a byte of it is read
        photo = next((part for name in ("file", "image") if isinstance(part := form.get(name), UploadFile)), None)
        if photo is None:
            raise InvalidInput("file", "Send the photo in the part “file”.")
        if photo.size is not None and photo.size > MAX_UPLOAD_BYTES:
            raise UploadTooLarge
        content, name = await photo.read(MAX_UPLOAD_BYTES + 1), photo.filename
    async with unit_of_work(actor):
        media = await store_image(actor, content, name)
        product = await catalogue.set_image(actor, product_id, media.id)
    return ProductOut.of(product, {media.id: media})


def _listing(page: ProductPage) -> Listing[ProductOut]:
    data = [ProductOut.of(product, page.pictures) for product in page.products]
    return Listing(data=data, next_cursor=next_cursor(*page.next) if page.next else None)


def _absolute(url: str) -> str | None:
    """Local files have an address of this server: a program elsewhere needs all of it."""
    return urljoin(settings().public_url, url) if url else None
