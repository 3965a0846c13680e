"""Payloads in mails: the page that shows those that were not sent holds them as the text they are."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from saasbot.infra import mail
from saasbot.infra.settings import settings
from saasbot.infra.text_input import one_line
from tests.api.conftest import make_client
from tests.attack.attempts import attempt
from tests.attack.payloads import PAYLOADS

DRAWN = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "article", "p", "time", "pre", "a"}


class Drawn(HTMLParser):
    """Which elements a browser makes of the page, and the text of each heading and body."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.texts: dict[str, list[str]] = {"h2": [], "pre": []}
        self._within = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [str(value) for name, value in attrs if name in ("href", "src")]
        if tag in self.texts:
            self._within = tag
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._within = "" if tag == self._within else self._within

    def handle_data(self, data: str) -> None:
        if self._within:
            self.texts[self._within][-1] += data


@attempt(141, "browser", "Payloads are mailed, in the subject and in the text.")
@pytest.mark.parametrize("some", [PAYLOADS[:40], PAYLOADS[40:]], ids=["first", "second"])
async def test_a_mail_shows_every_payload_as_the_text_it_is(
    some: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SAASBOT_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    try:
        for text in some:
            await mail.send(to="ana@example.com", subject=one_line("subject", text, longest=200), text=text)
        async with make_client() as client:
            drawn = Drawn((await client.get("/dev/mail")).text)
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert drawn.tags <= DRAWN
    assert [link for link in drawn.links if not link.startswith(("http://", "https://"))] == []
    assert {" ".join(text.split()) for text in drawn.texts["pre"]} == {" ".join(text.split()) for text in some}
    assert set(drawn.texts["h2"]) == {one_line("subject", text, longest=200) for text in some}
