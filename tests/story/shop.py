"""A shop as a program sees it: the REST API of a company and the simulated phones of its customers."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError

T = TypeVar("T")
PASSWORD = "a horse, a battery & 1 staple"
PHONE = "5491112345678"
ANA = "5491155550001"


def until(ask: Callable[[], T], *, seconds: float = 30) -> T:
    """The first answer that is not empty. Raises: AssertionError, when none comes within the time."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


class Shop:
    """A registered company with a product, at `url`. Calls are repeated while the server is away."""

    def __init__(self, url: str, name: str) -> None:
        self.url = url
        self.email = f"{name}@shop.example"
        body = {
            "company_name": name,
            "name": "Alice",
            "email": self.email,
            "password": PASSWORD,
            "accept_terms": True,
        }
        self._token = self.call("POST", "/auth/register", body)["access_token"]
        product = {
            "title": "Zapatillas rojas",
            "description": "De lona",
            "price": 4599000,
            "currency": "ARS",
            "active": True,
        }
        self.call("POST", "/products", product)

    def call(self, method: str, path: str, body: Any = None, *, base: str = "/api/v1") -> Any:
        """The JSON answer. Raises: HTTPError, for an answer that is an error."""
        end = time.monotonic() + 60
        while True:
            request = urllib.request.Request(
                self.url + base + path,
                method=method,
                data=json.dumps(body).encode() if body is not None else None,
                headers={"Content-Type": "application/json"},
            )
            if hasattr(self, "_token"):
                request.add_header("Authorization", f"Bearer {self._token}")
            try:
                with urllib.request.urlopen(request, timeout=15) as answer:
                    content = answer.read()
                return json.loads(content) if content else None
            except HTTPError as error:
                if error.code not in (502, 503):
                    raise
            except (URLError, ConnectionError, TimeoutError):
                pass
            assert time.monotonic() < end, f"{method} {path}: the server stays away"
            time.sleep(0.1)

    def sim(self, method: str, path: str, body: Any = None) -> Any:
        return self.call(method, f"/channels/{self.channel_id}{path}", body, base="/sim/v1")

    def open_number(self) -> str:
        """A simulator number, scanned and open. Returns its id."""
        channel = self.call("POST", "/channels", {"kind": "simulator", "name": "Tienda"})
        self.channel_id = channel["id"]
        self.call("POST", f"/channels/{self.channel_id}/connect")
        until(lambda: self.status() == "pending_qr")
        self.sim("POST", "/scan", {"phone": PHONE})
        until(lambda: self.status() == "open")
        return self.channel_id

    def status(self) -> str:
        return self.call("GET", f"/channels/{self.channel_id}")["status"]

    def write(self, text: str, *, id: str, sender: str = ANA, name: str = "Ana") -> None:
        """A customer writes. The same `id` is the same WhatsApp message."""
        self.sim("POST", "/messages", {"from": sender, "name": name, "type": "text", "text": text, "id": id})

    def conversation(self) -> dict[str, Any]:
        """The one conversation there is."""
        found = until(lambda: self.call("GET", "/conversations")["data"])
        assert len(found) == 1, "one person has one conversation"
        return found[0]

    def messages(self) -> list[dict[str, Any]]:
        """Newest first, without the lines that tell what happened."""
        found = self.call("GET", f"/conversations/{self.conversation()['id']}/messages")["data"]
        return [message for message in found if message["type"] != "activity"]

    def by(self, author: str) -> list[dict[str, Any]]:
        return [message for message in self.messages() if message["author"] == author]

    def sent(self) -> list[dict[str, Any]]:
        """What the number really sent, oldest first."""
        return self.sim("GET", "/sent")["data"]
