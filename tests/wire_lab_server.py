"""The lab's own `serve.py`, with what tests need besides. `python wire_lab_server.py LAB_FOLDER`

- extra attributes of a delivered message may be WhatsApp addresses as well: an echo of what the owner typed on the phone names
  its `recipient` by one;
- it says of phone numbers how they are known: those of Curitiba (+55 41) without the ninth digit, those that end in six zeros
  not at all;
- it knows groups: `{"cmd": "group", "group": "...@g.us", "name": "...", "people": {phone: lid}}` makes one, asked about it tells
  name and people, and what the number writes in it is opened with the sender keys that its people are given;
- `{"cmd": "silence", "phone": "...", "on": true}`: that number's socket stands, and nothing is said or heard on it;
- `{"cmd": "silence_media", "on": true}`: the host of files takes what it is asked and never answers;
- `{"cmd": "slow_logins", "seconds": 2}`: every login is answered so much later;
- `{"cmd": "devices"}`: under which names devices registered, oldest first;
- `{"cmd": "unlinked"}`: the phones whose device asked to be taken off their list;
- `{"cmd": "remove", "phone": "..."}`: the phone takes its device off the list: it is cut, and every login of it is refused.
"""

import asyncio
import hashlib
import hmac
import re
import runpy
import sys
from pathlib import Path
from typing import Any

home = Path(sys.argv[1])
sys.path.insert(0, str(home))
import wire_server  # pyright: ignore[reportMissingImports]  # noqa: E402
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: E402
from neonize.proto.waCompanionReg.WAWebProtobufsCompanionReg_pb2 import DeviceProps  # noqa: E402
from neonize.proto.waE2E import WAWebProtobufsE2E_pb2 as e2e  # noqa: E402

silent: set[str] = set()
slow = {"seconds": 0.0}
devices: list[str] = []
unlinked: list[str] = []
_deliver, _send = wire_server.FakeWA.deliver, wire_server.Conn.send
_on_node, _on_login = wire_server.Conn.on_node, wire_server.Conn.on_login


async def _with_addresses(self: Any, *message: Any, extra: dict[str, str] | None = None, **more: Any) -> str:
    attributes = {name: wire_server.jid(value) if "@" in value else value for name, value in (extra or {}).items()}
    return await _deliver(self, *message, extra=attributes, **more)


def _ask(session: Any, request: Any) -> str | None:
    """Answers what the lab's own server does not: who is on WhatsApp, and who is in a group."""
    if request.a.get("xmlns") == "w:g2" and str(request.a["to"]) in groups:
        return _reply(session, request, groups[str(request.a["to"])].node(session.acct))
    return _contacts(session, request)


def _reply(session: Any, request: Any, answer: Any) -> str:
    result = wire_server.N("iq", {"from": request.a["to"], "type": "result", "id": request.a["id"]}, [answer])
    _answers.add(task := asyncio.ensure_future(session.send(result)))
    task.add_done_callback(_answers.discard)
    return "drop"


def _contacts(session: Any, request: Any) -> str | None:
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
    return _reply(session, request, answer)


_answers: set[asyncio.Future[Any]] = set()
_init = wire_server.FakeWA.__init__


def _with_contacts(self: Any, *arguments: Any, **more: Any) -> None:
    _init(self, *arguments, **more)
    self.iq_hook = _ask


wire_server.FakeWA.__init__ = _with_contacts


groups: dict[str, "Group"] = {}
_plaintext = wire_server.Conn.plaintext


class Group:
    """Its people are customers by phone and LID; the number that asks is in it as well."""

    def __init__(self, jid: str, name: str, people: dict[str, str]) -> None:
        self.jid, self.name, self.people = jid, name, people
        self.chains: dict[int, tuple[int, bytes]] = {}
        """By sender key: the counter that comes next, and the chain's key."""

    def node(self, own: Any) -> Any:
        def one(phone: str, lid: str) -> Any:
            return wire_server.N(
                "participant", {"jid": wire_server.J(lid, "lid"), "phone_number": wire_server.J(phone)}
            )

        everybody = [one(phone, lid) for phone, lid in {own.pn: own.lid, **self.people}.items()]
        creator = wire_server.J(own.lid, "lid")
        attributes = {
            "id": self.jid.partition("@")[0],
            "creator": creator,
            "creation": "1795000000",
            "subject": self.name,
            "s_t": "1795000000",
            "s_o": creator,
            "addressing_mode": "lid",
        }
        return wire_server.N("group", attributes, everybody)

    def read(self, conn: Any, message: Any) -> bytes | None:
        """What the number wrote, as everybody in the group can read it."""
        for to in message.child("participants").c if message.child("participants") is not None else []:
            peer, encrypted = conn.srv.peer_for(to.a["jid"]), to.child("enc")
            opened = peer.decrypt(conn.acct, encrypted.a["type"], encrypted.c)
            if opened is not None:
                self._take_key(opened)
        return self._open(message.child("enc").c)

    def _take_key(self, plain: bytes) -> None:
        given = e2e.Message.FromString(plain).senderKeyDistributionMessage.axolotlSenderKeyDistributionMessage
        key = wire_server.parse_pb(given[1:])
        self.chains[key[1]] = key.get(2, 0), key[3]

    def _open(self, sealed: bytes) -> bytes | None:
        message = wire_server.parse_pb(sealed[1:-64])  # a version, then the signature at the end
        if message[1] not in self.chains:
            return None
        counter, chain = self.chains[message[1]]
        while counter < message.get(2, 0):
            counter, chain = counter + 1, _hmac(chain, 2)
        self.chains[message[1]] = counter + 1, _hmac(chain, 2)
        keys = wire_server.hkdf(_hmac(chain, 1), b"\0" * 32, b"WhisperGroup", 48)
        opener = Cipher(algorithms.AES(keys[16:]), modes.CBC(keys[:16])).decryptor()
        plain = opener.update(message[3]) + opener.finalize()
        plain = plain[: -plain[-1]]
        return plain[: -plain[-1]]  # once of the cipher, once of WhatsApp


def _hmac(key: bytes, seed: int) -> bytes:
    return hmac.new(key, bytes([seed]), hashlib.sha256).digest()


def _plaintext_of_any(self: Any, message: Any) -> bytes | None:
    group = groups.get(str(message.a["to"]))
    return group.read(self, message) if group is not None else _plaintext(self, message)


def _is_silent(conn: Any) -> bool:
    return conn.acct is not None and conn.acct.pn in silent


async def _send_unless_silent(self: Any, node: Any) -> None:
    if not _is_silent(self):
        await _send(self, node)


async def _hear_unless_silent(self: Any, node: Any) -> None:
    if not _is_silent(self):
        if node.tag == "iq" and node.child("remove-companion-device") is not None:
            unlinked.append(self.acct.pn)
        await _on_node(self, node)


async def _note_device(self: Any) -> None:
    if self.payload.HasField("devicePairingData"):
        devices.append(DeviceProps.FromString(self.payload.devicePairingData.deviceProps).os)
    if self.payload.HasField("username"):
        silent.discard(str(self.payload.username))  # a new socket of that number is heard
        await asyncio.sleep(slow["seconds"])
    await _on_login(self)


async def _handle(self: Any, command: dict[str, Any]) -> dict[str, Any]:
    match command["cmd"]:
        case "silence":
            (silent.add if command["on"] else silent.discard)(command["phone"])
            return {"ok": True}
        case "silence_media":
            self.server.media_hook = (lambda _method, _path: "hang") if command["on"] else None
            return {"ok": True}
        case "group":
            groups[command["group"]] = Group(command["group"], command["name"], command["people"])
            for phone, lid in command["people"].items():
                self.server.peers.setdefault(phone, wire_server.Peer(phone, lid))
            return {"ok": True}
        case "slow_logins":
            slow["seconds"] = command["seconds"]
            return {"ok": True}
        case "devices":
            return {"ok": True, "names": devices}
        case "unlinked":
            return {"ok": True, "phones": unlinked}
        case "remove":
            for account in [known for known in self.server.accts if known[0] == command["phone"]]:
                del self.server.accts[account]
            return await _serve_handle(self, {"cmd": "kick", "phone": command["phone"]})
    return await _serve_handle(self, command)


wire_server.FakeWA.deliver = _with_addresses
wire_server.Conn.send, wire_server.Conn.on_node = _send_unless_silent, _hear_unless_silent
wire_server.Conn.on_login, wire_server.Conn.plaintext = _note_device, _plaintext_of_any

run, started = asyncio.run, list[Any]()
asyncio.run = started.append  # serve.py runs itself when it is loaded: first its commands are completed
served = runpy.run_path(str(home / "serve.py"), run_name="__main__")
asyncio.run = run
_serve_handle, _serve_login = served["Lab"].handle, served["Lab"]._login


def _login(self: Any, conn: Any) -> Any:
    refused = _serve_login(self, conn)
    if refused is not None and refused.a["reason"] == "402":
        refused.a |= {"code": "101", "expire": "3600"}  # too many people were written to; seconds
    return refused


served["Lab"].handle, served["Lab"]._login = _handle, _login
asyncio.run(started[0])
