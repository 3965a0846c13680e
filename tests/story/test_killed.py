"""Killed at any instant on the message path: stored once, sent at most once, truthful, answered once."""

from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.server import RunningServer, StartServer
from tests.story.shop import Shop, until

QUESTION = "Hola, ¿cuánto cuestan las zapatillas rojas?"
BEFORE_THE_SEND = ("after_journal", "before_commit", "after_commit", "after_claim")


def _served(start_server: StartServer, failpoint: str, folder: Path) -> RunningServer:
    return start_server(AGENT_DEBOUNCE_MS="0", FAILPOINT=failpoint, FAILPOINT_SPENT=str(folder / "spent"))


def _settled(shop: Shop) -> list[dict[str, Any]]:
    """The bot's messages, once none is under way."""

    def answers() -> list[dict[str, Any]]:
        found = shop.by("bot")
        return [] if any(m["status"] in ("queued", "sending") for m in found) else found

    return until(answers, seconds=60)


@pytest.mark.parametrize("failpoint", [*BEFORE_THE_SEND, "after_send"])
def test_a_customer_is_stored_once_and_answered_at_most_once(start_server: StartServer, tmp_path: Path, failpoint: str):
    server = _served(start_server, failpoint, tmp_path)
    shop = Shop(server.url, f"kill-{failpoint.replace('_', '-')}")
    shop.open_number()
    shop.write(QUESTION, id="ONE")
    until(lambda: (tmp_path / "spent").exists(), seconds=60)
    until(lambda: shop.status() == "open", seconds=60)
    answers = _settled(shop)
    sent = [message["text"] for message in shop.sent()]
    assert [m["text"] for m in shop.by("customer")] == [QUESTION]
    assert len(answers) == 1
    assert len(sent) <= 1
    if answers[0]["status"] == "unconfirmed":
        assert failpoint in ("after_claim", "after_send")
    else:
        assert sent == [answers[0]["text"]]
    shop.write("¿Y tienen en 42?", id="TWO")
    until(lambda: len(shop.by("bot")) == 2, seconds=60)
    assert len(shop.by("customer")) == 2
    server.stop()


def test_killed_and_started_again_nothing_is_lost_and_no_qr_is_asked(start_server: StartServer):
    server = start_server(AGENT_DEBOUNCE_MS="0")
    shop = Shop(server.url, "kill-all")
    shop.open_number()
    shop.write(QUESTION, id="ONE")
    until(lambda: len(shop.sent()) == 1)
    server.kill()
    server.start()
    shop.write("¿Hacen envíos?", id="TWO")  # most likely before the number is open again
    shop.write("¿Hacen envíos?", id="TWO")
    until(lambda: shop.status() == "open", seconds=60)
    until(lambda: len(shop.by("bot")) == 2, seconds=60)
    until(lambda: len(shop.sent()) == 2)
    assert [m["text"] for m in reversed(shop.by("customer"))] == [QUESTION, "¿Hacen envíos?"]
    assert len(shop.sent()) == 2
    server.stop()
