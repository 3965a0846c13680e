"""Takes a picture of every page at two sizes, light and dark, to look at: `python -m tests.browser.look URL OUTDIR`.

Options: `--route /inbox` (repeatable) for some pages only, `--locale en`, `--cookie name=value` to be signed in.
"""

import argparse
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from saasbot import routes
from tests.fixtures.browser import CHROMIUM, FLAGS

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
PAGES = {
    "login": routes.LOGIN,
    "register": routes.REGISTER,
    "forgot-password": routes.FORGOT_PASSWORD,
    "reset-password": routes.reset_password("example"),
    "onboarding": routes.ONBOARDING,
    "dashboard": routes.DASHBOARD,
    "inbox": routes.INBOX,
    "catalogue": routes.CATALOGUE,
    "bots": routes.BOTS,
    "channels": routes.CHANNELS,
    "settings": routes.SETTINGS,
    "activity": routes.ACTIVITY,
    "data": routes.DATA,
    "terms": routes.TERMS,
    "phone": routes.PHONE,
    "not-found": "/there-is-nothing-here",
}


def open_page(browser: Browser, url: str, *, size: str, scheme: str, locale: str, cookies: list[str]) -> Page:
    """A fresh browser profile at one size and colour scheme."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale=locale,
        has_touch=size == "phone",
        is_mobile=size == "phone",
    )
    context.add_cookies([{"name": n, "value": v, "url": url} for n, _, v in (c.partition("=") for c in cookies)])
    return context.new_page()


def look(page: Page, base: str, wanted: dict[str, str], out: Path, suffix: str) -> None:
    """Pictures of the wanted pages; prints what the console said and whether a page is wider than the screen."""
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    for name, path in wanted.items():
        page.goto(base + path)
        page.wait_for_load_state("networkidle")
        page.evaluate("document.fonts.ready")
        target = out / f"{name}-{suffix}.png"
        page.screenshot(path=target)
        extra = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        notes = [*problems, *([f"{extra} px wider than the screen"] if extra > 0 else [])]
        print(target, page.url.removeprefix(base), *notes, sep="  ")
        problems.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("out", type=Path)
    parser.add_argument("--route", action="append", default=[])
    parser.add_argument("--locale", default="es-AR")
    parser.add_argument("--cookie", action="append", default=[])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    parts = urlsplit(options.url)
    base = f"{parts.scheme}://{parts.netloc}"
    wanted = {name: path for name, path in PAGES.items() if not options.route or path in options.route}
    wanted |= {path.strip("/").replace("/", "-"): path for path in options.route if path not in PAGES.values()}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for size in SIZES:
            for scheme in ("light", "dark"):
                page = open_page(browser, base, size=size, scheme=scheme, locale=options.locale, cookies=options.cookie)
                look(page, base, wanted, options.out, f"{size}-{scheme}")
                page.context.close()
        browser.close()


if __name__ == "__main__":
    main()
