"""Text is text: every payload is written into every field that somebody else reads, and the pages are watched while they show it."""

import asyncio
import base64
import re
import textwrap
from collections.abc import Awaitable, Iterable
from typing import Any

import httpx2
from playwright.async_api import Browser, Page, expect

from saasbot.infra.text_input import one_line
from tests.attack.attempts import attempt
from tests.attack.payloads import PAYLOADS
from tests.fixtures.browser import NewOwner, OpenTab, Owner
from tests.fixtures.server import RunningServer

COMPANY = "\"><img src=x onerror=__pwned(0)></title>{{7*7}}'-__pwned(0)-'"
AT_ONCE = 8
PER_CHAT = 19
"""Payloads a chat: each is a text and a file's name, and a page of a thread is 50 messages."""

WATCH = """() => {
  const hits = window.__hits = [];
  window.__pwned = (n) => hits.push(`ran ${n}`);
  for (const name of ["alert", "confirm", "prompt", "print", "open"]) window[name] = (...said) => hits.push(`${name} ${said}`);
  document.addEventListener("securitypolicyviolation", (e) => hits.push(`policy ${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
  const ours = (script) => (!script.src || script.src.startsWith(location.origin)) && !/__pwned|evil/.test(script.outerHTML);
  const look = (node) => {
    if (node.nodeType !== 1) return;
    if (node.tagName === "TEMPLATE" && /^B:\\d+$/.test(node.id) && !node.innerHTML) return;  // React marks a boundary so
    if (node.tagName === "SCRIPT" ? !ours(node) : /^(iframe|frame|object|embed|base|marquee|math|template)$/i.test(node.tagName))
      hits.push(`node ${node.outerHTML.slice(0, 200)}`);
    for (const { name, value } of node.attributes) {
      if (/^on/i.test(name)) hits.push(`attribute ${name}=${value}`);
      if (/^(href|src|action|data|formaction|srcdoc)$/i.test(name) && /^\\s*(javascript|vbscript|data:text)/i.test(value))
        hits.push(`address ${value}`);
    }
    node.childNodes.forEach(look);
  };
  new MutationObserver((records) => records.forEach((r) => (r.type === "childList" ? r.addedNodes.forEach(look) : look(r.target))))
    .observe(document, { subtree: true, childList: true, attributes: true });
}"""
"""Runs before anything of the page: what a payload would do, or become."""

NOT_SHOWN = """(expected) => {
  const shown = new Set([...document.querySelectorAll("body *")].flatMap((e) => [e.textContent, e.value]));
  return expected.filter((text) => !shown.has(text));
}"""


DELETE_OF = """(title) => [...document.querySelectorAll("[data-testid=product-row]")]
  .find((row) => [...row.querySelectorAll("*")].some((e) => e.textContent === title))
  ?.querySelector(".product-actions button") ?? null"""
"""By the whole title: one payload may stand within another."""


async def together(calls: Iterable[Awaitable[Any]]) -> list[Any]:
    """Not all at once: the app has other things to do."""
    few = asyncio.Semaphore(AT_ONCE)

    async def one(call: Awaitable[Any]) -> Any:
        async with few:
            return await call

    return await asyncio.gather(*(one(call) for call in calls))


async def done(answer: Awaitable[httpx2.Response]) -> Any:
    found = await answer
    assert found.is_success, found.text
    return found.json()


async def until(ask: Any) -> Any:
    async with asyncio.timeout(60):
        while not (found := await ask()):
            await asyncio.sleep(0.1)
    return found


class Shop:
    """A company whose every text is a payload."""

    def __init__(self, owner: Owner, server: RunningServer) -> None:
        self.api = owner.api
        self._sim = httpx2.AsyncClient(base_url=f"{server.url}/sim/v1", trust_env=False, timeout=30)
        self.channel_id = ""

    async def fill(self) -> None:
        await done(self.api.put("/company/bot", json={"enabled": False}))
        await self._open_number()
        await together(
            [
                *(
                    done(self.api.post("/products", json={"title": text, "description": text, "price": 100}))
                    for text in PAYLOADS
                ),
                *(done(self.api.post("/bots", json={"name": text, "personality": text})) for text in PAYLOADS),
                *(self._hears(f"54911000{n:05}", text, text=text) for n, text in enumerate(PAYLOADS)),
            ]
        )
        await together(done(self.api.post("/products", json={"title": title, "price": 100})) for title in JOINED)
        bot = (await done(self.api.get("/bots")))["data"][0]["id"]
        for text in ("\n".join(PAYLOADS), "\n".join(reversed(PAYLOADS))):
            await done(self.api.post(f"/bots/{bot}/prompts", json={"text": text, "note": COMPANY}))
        self.bot_id = bot
        for n, text in enumerate(PAYLOADS):
            who = f"54911999{n // PER_CHAT:05}"
            await self._hears(who, f"Carrier {n // PER_CHAT}", text=text)
            await self._hears(who, f"Carrier {n // PER_CHAT}", type="document", file_name=text, **A_FILE)
        await self._sim.aclose()

    async def _open_number(self) -> None:
        channel = await done(self.api.post("/channels", json={"kind": "simulator", "name": PAYLOADS[30]}))
        self.channel_id = channel["id"]
        path = f"/channels/{self.channel_id}"
        await done(self.api.post(f"{path}/connect"))
        await until(lambda: self._is("pending_qr"))
        await done(self._sim.post(f"{path}/scan", json={"phone": "5491112345678", "push_name": PAYLOADS[4]}))
        await until(lambda: self._is("open"))

    async def _is(self, status: str) -> bool:
        return (await done(self.api.get(f"/channels/{self.channel_id}")))["status"] == status

    async def _hears(self, sender: str, name: str, **message: Any) -> None:
        body = {"from": sender, "name": name, "type": "text", **message}
        await done(self._sim.post(f"/channels/{self.channel_id}/messages", json=body))

    async def conversations(self) -> list[dict[str, Any]]:
        found, cursor = [], ""
        while True:
            page = await done(
                self.api.get("/conversations", params={"limit": 100, **({"cursor": cursor} if cursor else {})})
            )
            found += page["data"]
            if not (cursor := page["next_cursor"] or ""):
                return found

    async def carriers(self) -> list[str]:
        """The chats with the texts and the files, once all has arrived."""
        wanted = -(-len(PAYLOADS) // PER_CHAT)

        async def complete() -> list[str]:
            found = [one for one in await self.conversations() if one["contact"]["name"].startswith("Carrier ")]
            whole = sum(one["unread"] for one in found) == 2 * len(PAYLOADS)
            found.sort(key=lambda one: one["contact"]["name"])
            return [one["id"] for one in found] if whole and len(found) == wanted else []

        return await until(complete)


JOINED = textwrap.wrap(one_line("title", " ".join(PAYLOADS), longest=9_000), 110, break_long_words=False)
"""All payloads in a few titles, whose toasts come one after the other."""
A_FILE = {"media_base64": base64.b64encode(b"a text").decode(), "mime": "text/plain"}


@attempt(
    135,
    "browser",
    "Seventy payloads are written into every name, text and title, and every page that shows them is watched.",
)
async def test_every_payload_is_shown_as_the_text_it_is(
    new_owner: NewOwner, open_tab: OpenTab, server: RunningServer
) -> None:
    owner = await new_owner(company=COMPANY)
    shop = Shop(owner, server)
    await shop.fill()
    carriers = await shop.carriers()
    page = await open_tab(owner, locale="en-US")
    await page.add_init_script(f"({WATCH})()")
    names = [one_line("name", text, longest=200) for text in PAYLOADS]

    async def on(path: str, expected: list[str]) -> None:
        await page.goto(f"{server.url}{path}")
        await shown(page, expected)

    for n, chat in enumerate(carriers):
        some = slice(n * PER_CHAT, (n + 1) * PER_CHAT)
        await on(f"/inbox/{chat}", PAYLOADS[some] + names[some])
    await page.fill("#conversation-search", PAYLOADS[4])
    await shown(page, [names[4]])
    await on("/phone", [])
    await on("/", [])
    await on("/bots", names)
    await on(f"/bots/{shop.bot_id}", [COMPANY])
    await on("/channels", [names[30]])
    await on("/settings", [COMPANY])
    await on("/catalogue", JOINED)
    for title in JOINED:
        found = await page.evaluate_handle(DELETE_OF, title)
        button = found.as_element()
        assert button is not None, title
        await button.click()
        await shown(page, [f"{title} was deleted"])
    await shown(page, names[-20:])


@attempt(220, "browser", "A style comes into a page with markup, as an element and as an attribute.")
async def test_a_style_that_came_with_markup_does_nothing(chromium: Browser, server: RunningServer) -> None:
    page = await chromium.new_page()
    await page.goto(f"{server.url}/login")
    await expect(page.locator("h1").first).to_be_visible()
    colours = await page.evaluate(
        """() => {
          const smuggled = document.createElement("div");
          smuggled.innerHTML = '<style>#as-element { color: rgb(1, 2, 3) }</style><p id="as-element"></p>' +
            '<p id="as-attribute" style="color: rgb(1, 2, 3)"></p>';
          const made = document.createElement("style");
          made.textContent = "#made { color: rgb(1, 2, 3) }";
          smuggled.append(made, Object.assign(document.createElement("p"), { id: "made" }));
          document.body.append(smuggled);
          return ["as-element", "as-attribute", "made"].map((id) => getComputedStyle(document.getElementById(id)).color);
        }"""
    )
    assert [colour == "rgb(1, 2, 3)" for colour in colours] == [False, False, True]
    await page.context.close()


async def shown(page: Page, expected: list[str]) -> None:
    """Each stands somewhere on the page, exactly, and none has done anything."""
    await expect(page.locator("h1").first).to_be_visible()
    try:
        await page.wait_for_function(
            f"(expected) => ({NOT_SHOWN})(expected).length === 0", arg=expected, timeout=30_000
        )
    finally:
        assert await page.evaluate("window.__hits") == []
    assert re.fullmatch(r"[A-Z][a-z ]+ · SaaSBot", await page.title()), "a title says the page, not what is on it"
