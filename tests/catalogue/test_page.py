"""The catalogue page in a real browser."""

import base64

from playwright.async_api import FilePayload, Page, expect

from saasbot.domain.admin.credentials import find_account
from saasbot.infra import db
from saasbot.models import Role
from tests.fixtures.browser import NewOwner, OpenTab, Owner
from tests.fixtures.server import RunningServer
from tests.media.pictures import picture
from tests.people import PASSWORD, make_colleague

CATALOGUE = "/catalogue"
ROW = "[data-testid=product-row]"


def photo(name: str = "foto.png") -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": picture(format="PNG")}


async def add(owner: Owner, **fields: object) -> str:
    answer = await owner.api.post("/products", json={"title": "Zapatillas rojas", "price": 4_599_000, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def shows_photo(page: Page, row: str = ROW) -> None:
    """The row's thumbnail has been fetched and decoded."""
    image = page.locator(f"{row} .product-thumb img")
    await expect(image).to_be_visible()
    await page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=await image.element_handle())


async def give_file(page: Page, kind: str, target: str) -> None:
    """Drop or paste a photo on an element, as a browser tells of it."""
    await page.evaluate(
        """([kind, target, data]) => {
            const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "foto.png", { type: "image/png" }));
            const element = document.querySelector(target);
            if (kind === "paste") {
                element.focus();
                element.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
                return;
            }
            for (const step of ["dragenter", "dragover", "drop"])
                element.dispatchEvent(new DragEvent(step, { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        [kind, target, base64.b64encode(picture(format="PNG")).decode()],
    )


async def test_a_product_with_a_photo_is_added_and_seen_on_every_tab(new_owner: NewOwner, open_tab: OpenTab) -> None:
    owner = await new_owner()
    page, other = await open_tab(owner, CATALOGUE), await open_tab(owner, CATALOGUE)
    await expect(other.get_by_text("¿Qué vendes?")).to_be_visible()

    await page.click("#product-add")
    await page.fill("#product-title", "Zapatillas rojas")
    await page.fill("#product-price", "$ 45.990")
    await page.fill("#product-description", "De lona")
    await page.set_input_files("#product-image", photo())
    await page.click("#product-save")  # while the photo is on its way: saving waits for it

    for tab in (page, other):
        await expect(tab.locator(ROW)).to_contain_text("Zapatillas rojas")
        await expect(tab.locator(f"{ROW} input[data-inline]")).to_have_value("45.990")
        await shows_photo(tab)
    await expect(page.locator("#product-title")).to_be_hidden()
    (product,) = (await owner.api.get("/products")).json()["data"]
    assert (product["price"], product["description"], product["currency"]) == (4_599_000, "De lona", "ARS")


async def test_a_form_says_beside_the_field_what_is_wrong(new_owner: NewOwner, open_tab: OpenTab) -> None:
    page = await open_tab(await new_owner(), CATALOGUE)
    await page.click("#product-add")
    await page.fill("#product-title", "Botas")
    await page.fill("#product-price", "gratis")
    await page.click("#product-save")
    await expect(page.locator("#product-price-error")).to_contain_text("Escribe el precio como número")
    await expect(page.locator("#product-price")).to_be_focused()
    assert await page.input_value("#product-title") == "Botas"

    await page.fill("#product-price", "0,50")
    await page.fill("#product-title", " ")
    await page.press("#product-title", "Enter")
    await expect(page.locator("#product-title-error")).to_contain_text("Ponle un nombre")
    await expect(page.locator("#product-price-error")).to_be_empty()


async def test_what_is_no_photo_says_so_and_saves_nothing(new_owner: NewOwner, open_tab: OpenTab) -> None:
    owner = await new_owner()
    page = await open_tab(owner, CATALOGUE)
    await page.click("#product-add")
    await page.fill("#product-title", "Botas")
    await page.fill("#product-price", "1")
    svg: FilePayload = {
        "name": "a.png",
        "mimeType": "image/png",
        "buffer": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }
    async with page.expect_response("**/uploads") as refused:
        await page.set_input_files("#product-image", svg)
    assert (await refused.value).status == 422
    await expect(page.locator("#product-image-error")).to_contain_text("Elige una foto en formato")
    assert (await owner.api.get("/products")).json()["data"] == []


async def test_a_price_is_changed_in_its_row(new_owner: NewOwner, open_tab: OpenTab) -> None:
    owner = await new_owner()
    product = await add(owner)
    page, other = await open_tab(owner, CATALOGUE), await open_tab(owner, CATALOGUE)
    field = page.get_by_label("Precio de Zapatillas rojas")

    await field.fill("mucho")
    await field.press("Enter")
    await expect(page.locator(f"#price-error-{product}")).to_contain_text("Escribe el precio como número")
    await field.focus()
    await field.press("Escape")
    await expect(field).to_have_value("45.990")
    await expect(page.locator(f"#price-error-{product}")).to_be_hidden()

    await field.fill("1.234,5")
    await field.press("Enter")
    for tab in (page, other):
        await expect(tab.get_by_label("Precio de Zapatillas rojas")).to_have_value("1.234,50")
    assert (await owner.api.get(f"/products/{product}")).json()["price"] == 123_450


async def test_a_product_is_taken_off_the_offer_by_its_switch(new_owner: NewOwner, open_tab: OpenTab) -> None:
    owner = await new_owner()
    product = await add(owner)
    page = await open_tab(owner, CATALOGUE)
    await page.get_by_label("Ofrecer Zapatillas rojas").click()
    await expect(page.locator(ROW)).to_have_attribute("data-active", "false")
    assert not (await owner.api.get(f"/products/{product}")).json()["active"]


async def test_a_photo_is_dropped_pasted_or_chosen_on_a_row(new_owner: NewOwner, open_tab: OpenTab) -> None:
    owner = await new_owner()
    for title in ("Botas", "Sandalias", "Ojotas"):
        await add(owner, title=title)
    page = await open_tab(owner, CATALOGUE)
    rows = {title: f"{ROW}:has-text('{title}')" for title in ("Botas", "Sandalias", "Ojotas")}
    await expect(page.locator(ROW)).to_have_count(3)
    ids = {title: await page.locator(row).get_attribute("data-product-id") for title, row in rows.items()}

    await give_file(page, "drop", f"[data-product-id='{ids['Botas']}'] .product-sku")
    await shows_photo(page, rows["Botas"])
    await give_file(page, "paste", f"[data-product-id='{ids['Sandalias']}'] .product-title")
    await shows_photo(page, rows["Sandalias"])
    async with page.expect_file_chooser() as chooser:
        await page.click(f"{rows['Ojotas']} .product-thumb")
    await (await chooser.value).set_files(photo())
    await shows_photo(page, rows["Ojotas"])


async def test_the_sheet_takes_dropped_and_pasted_photos_and_lets_go_of_them(
    new_owner: NewOwner, open_tab: OpenTab
) -> None:
    owner = await new_owner()
    product = await add(owner)
    page = await open_tab(owner, CATALOGUE)
    for kind, target in (("drop", ".photo-drop"), ("paste", "#product-description")):
        await page.click(".product-title")
        await expect(page.locator(target)).to_be_visible()
        await give_file(page, kind, target)
        await page.click("#product-save")
        await expect(page.locator("#product-title")).to_be_hidden()
        await shows_photo(page)
        await page.click(".product-title")
        await page.get_by_role("button", name="Quitar la foto").click()
        await page.click("#product-save")
        await expect(page.locator(f"{ROW} .product-thumb img")).to_be_hidden()
    assert (await owner.api.get(f"/products/{product}")).json()["image_url"] is None


async def test_a_deleted_product_comes_back_with_undo(new_owner: NewOwner, open_tab: OpenTab) -> None:
    owner = await new_owner()
    await add(owner)
    page = await open_tab(owner, CATALOGUE)
    await page.locator(ROW).hover()
    await page.get_by_role("button", name="Eliminar Zapatillas rojas").click()
    await expect(page.locator(ROW)).to_have_count(0)
    toast = page.get_by_test_id("toast")
    await expect(toast).to_contain_text("Se eliminó Zapatillas rojas")
    await toast.get_by_role("button", name="Deshacer").click()
    await expect(page.locator(ROW)).to_contain_text("Zapatillas rojas")


async def test_a_search_forgives_and_can_be_cleared(new_owner: NewOwner, open_tab: OpenTab) -> None:
    owner = await new_owner()
    await add(owner)
    await add(owner, title="Botas")
    page = await open_tab(owner, CATALOGUE)
    await expect(page.locator(ROW)).to_have_count(2)
    await page.keyboard.press("/")
    await page.keyboard.type("sapatilla roja")
    await expect(page.locator(ROW)).to_have_count(1)
    await page.fill("#product-search", "heladera")
    await page.get_by_role("button", name="Ver todos los productos").click()
    await expect(page.locator(ROW)).to_have_count(2)
    await expect(page.locator("#product-search")).to_have_value("")


async def test_long_lists_are_turned_page_by_page(new_owner: NewOwner, open_tab: OpenTab) -> None:
    owner = await new_owner()
    for n in range(52):
        await add(owner, title=f"Producto {n:02}")
    page = await open_tab(owner, CATALOGUE)
    await expect(page.locator(ROW)).to_have_count(50)
    await page.get_by_role("button", name="Siguiente").click()
    await expect(page.locator(ROW)).to_have_count(2)
    await expect(page.locator(ROW).last).to_contain_text("Producto 00")
    await page.get_by_role("button", name="Anterior").click()
    await expect(page.locator(ROW).first).to_contain_text("Producto 51")


async def test_an_agent_sees_the_catalogue_and_changes_nothing(
    new_owner: NewOwner, open_tab: OpenTab, server: RunningServer
) -> None:
    owner = await new_owner()
    await add(owner)
    db.connect(app_url=server.database.app, platform_url=server.database.platform)
    found = await find_account(owner.email)
    assert found is not None
    email = f"bob-{owner.email}"
    await make_colleague(found[0].actor(), "Bob", Role.AGENT, email=email)
    await db.disconnect()

    page = await open_tab(Owner(email, PASSWORD, owner.api), CATALOGUE)
    await expect(page.locator(ROW)).to_contain_text("45.990")
    await expect(page.locator("#product-add")).to_have_count(0)
    await expect(page.locator(f"{ROW} input[data-inline]")).to_have_count(0)
    await expect(page.get_by_label("Ofrecer Zapatillas rojas")).to_be_disabled()
    await page.click(".product-title")
    await expect(page.locator("#product-title")).to_be_disabled()
    await expect(page.locator("#product-save")).to_have_count(0)


async def test_english_readers_read_english(new_owner: NewOwner, open_tab: OpenTab) -> None:
    owner = await new_owner()
    await add(owner)
    page = await open_tab(owner, CATALOGUE, locale="en-US")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Catalogue")
    await expect(page.locator(f"{ROW} input[data-inline]")).to_have_value("45,990")
    await page.get_by_label("Price of Zapatillas rojas").fill("1,234.50")
    await page.keyboard.press("Enter")
    await expect(page.locator(f"{ROW} input[data-inline]")).to_have_value("1,234.50")
