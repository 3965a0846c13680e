"""The lab's own `serve.py`, with what tests need besides. `python wire_lab_server.py LAB_FOLDER`

- extra attributes of a delivered message may be WhatsApp addresses as well: an echo of what the owner typed on the phone names
  its `recipient` by one;
- it says of phone numbers how they are known: those of Curitiba (+55 41) without the ninth digit, those that end in six zeros
  not at all;
- `{"cmd": "silence", "phone": "...", "on": true}`: that number's socket stands, and nothing is said or heard on it;
- `{"cmd": "devices"}`: under which names devices registered, oldest first.
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
from neonize.proto.waCompanionReg.WAWebProtobufsCompanionReg_pb2 import DeviceProps  # noqa: E402

silent: set[str] = set()
devices: list[str] = []
_deliver, _send = wire_server.FakeWA.deliver, wire_server.Conn.send
_on_node, _on_login = wire_server.Conn.on_node, wire_server.Conn.on_login


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


def _is_silent(conn: Any) -> bool:
    return conn.acct is not None and conn.acct.pn in silent


async def _send_unless_silent(self: Any, node: Any) -> None:
    if not _is_silent(self):
        await _send(self, node)


async def _hear_unless_silent(self: Any, node: Any) -> None:
    if not _is_silent(self):
        await _on_node(self, node)


async def _note_device(self: Any) -> None:
    if self.payload.HasField("devicePairingData"):
        devices.append(DeviceProps.FromString(self.payload.devicePairingData.deviceProps).os)
    if self.payload.HasField("username"):
        silent.discard(str(self.payload.username))  # a new socket of that number is heard
    await _on_login(self)


async def _handle(self: Any, command: dict[str, Any]) -> dict[str, Any]:
    match command["cmd"]:
        case "silence":
            (silent.add if command["on"] else silent.discard)(command["phone"])
            return {"ok": True}
        case "devices":
            return {"ok": True, "names": devices}
    return await _serve_handle(self, command)


wire_server.FakeWA.deliver = _with_addresses
wire_server.Conn.send, wire_server.Conn.on_node = _send_unless_silent, _hear_unless_silent
wire_server.Conn.on_login = _note_device

run, started = asyncio.run, list[Any]()
asyncio.run = started.append  # serve.py runs itself when it is loaded: first its commands are completed
served = runpy.run_path(str(home / "serve.py"), run_name="__main__")
asyncio.run = run
_serve_handle = served["Lab"].handle
served["Lab"].handle = _handle
asyncio.run(started[0])
