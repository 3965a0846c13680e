"""The lab's own `serve.py`, where extra attributes of a delivered message may be WhatsApp addresses as well: an echo of what
the owner typed on the phone names its `recipient` by one. And it says of phone numbers how they are known: those of Curitiba
(+55 41) without the ninth digit, those that end in six zeros not at all. `python wire_lab_server.py LAB_FOLDER`
"""

import asyncio
import re
import runpy
import sys
from pathlib import Path
from typing import Any

home = Path(sys.argv[1])
sys.path.insert(0, str(home))
import wire_server  # pyright: ignore[reportMissingImports]  # noqa: E402

_deliver = wire_server.FakeWA.deliver


async def _with_addresses(self: Any, *message: Any, extra: dict[str, str] | None = None, **more: Any) -> str:
    attributes = {name: wire_server.jid(value) if "@" in value else value for name, value in (extra or {}).items()}
    return await _deliver(self, *message, extra=attributes, **more)


def _contacts(session: Any, request: Any) -> str | None:
    """Answers who is on WhatsApp, which the lab's own server does not."""
    usync = request.child("usync")
    if usync is None:
        return None
    users = usync.child("list").c
    asked = [user.child("contact").c for user in users if user.child("contact") is not None]
    if not asked:
        return None
    found = []
    for query in asked:
        text = query.decode() if isinstance(query, bytes) else str(query)
        phone = re.sub(r"\D", "", text.partition("@")[0])
        known = re.sub(r"^55419(\d{8})$", r"5541\1", phone)
        contact = wire_server.N("contact", {"type": "out" if phone.endswith("000000") else "in"}, text.encode())
        found.append(wire_server.N("user", {"jid": wire_server.J(known)}, [contact]))
    answer = wire_server.N(
        "usync", {"sid": usync.a.get("sid", "x"), "mode": "query"}, [wire_server.N("list", None, found)]
    )
    result = wire_server.N("iq", {"from": wire_server.SRV, "type": "result", "id": request.a["id"]}, [answer])
    _answers.add(task := asyncio.ensure_future(session.send(result)))
    task.add_done_callback(_answers.discard)
    return "drop"


_answers: set[asyncio.Future[Any]] = set()
_init = wire_server.FakeWA.__init__


def _with_contacts(self: Any, *arguments: Any, **more: Any) -> None:
    _init(self, *arguments, **more)
    self.iq_hook = _contacts


wire_server.FakeWA.__init__ = _with_contacts
wire_server.FakeWA.deliver = _with_addresses
runpy.run_path(str(home / "serve.py"), run_name="__main__")
