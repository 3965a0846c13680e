"""The lab's own `serve.py`, with what tests need besides. `python wire_lab_server.py LAB_FOLDER`

- extra attributes of a delivered message may be WhatsApp addresses as well: an echo of what the owner typed on the phone names
  its `recipient` by one;
- `{"cmd": "silence", "phone": "...", "on": true}`: that number's socket stands, and nothing is said or heard on it;
- `{"cmd": "devices"}`: under which names devices registered, oldest first.
"""

import asyncio
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
