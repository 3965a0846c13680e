"""A WhatsApp that behaves badly and keeps books: the wire lab's server, with what WhatsApp does beyond it. Commands are JSON lines.

It keeps what a customer wrote until the number's device acknowledges it, gives it again after each login, encrypts anew what
the device could not read, takes a message once however often it comes, and gives ticks. Faults are of one number each.
`python -m soak.wire_lab_server LAB_FOLDER` prints how to reach it, as `serve.py` of the lab does.
"""

import asyncio
import json
import secrets
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOME = Path(sys.argv[1])
sys.path.insert(0, str(HOME))
import wire_server as wa  # pyright: ignore[reportMissingImports]  # noqa: E402
from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message as E2E  # noqa: E402

TICKS_AFTER = 0.2


@dataclass
class Written:
    """What a customer wrote to a number."""

    id: str
    peer: Any
    body: bytes
    at: float
    acknowledged: float | None = None
    given: int = 0
    first_given: float | None = None
    stanza: Any = None


@dataclass
class Phone:
    """One number on WhatsApp, whichever device it has linked now."""

    digits: str
    device: int = 0
    account: Any = None
    written: dict[str, Written] = field(default_factory=dict)
    waiting: dict[str, Written] = field(default_factory=dict)
    """Without an acknowledgement, in order."""
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the number sent, by WhatsApp id: {id, to, text, at, times}."""
    refusals: list[int] = field(default_factory=list)
    drop_acks: int = 0


class Lab:
    """`handle` is the control port's; everything else is what WhatsApp does by itself."""

    def __init__(self) -> None:
        self.server = wa.FakeWA()
        self.phones: dict[str, Phone] = {}
        self.seen: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self.server.login_hook = self._login
        self.server.msg_hook = self._message
        lab, on_login, on_node = self, wa.Conn.on_login, wa.Conn.on_node

        async def logged_in(conn: Any) -> None:
            await on_login(conn)
            if conn.acct is not None and conn.acct.conn is conn:
                lab._in_background(lab._give_again(lab.phones[conn.acct.pn]))

        async def heard(conn: Any, node: Any) -> None:
            conn.log.clear()
            if node.tag == "receipt" and conn.acct is not None:
                await lab._receipt(lab.phones[conn.acct.pn], node)
            await on_node(conn, node)

        wa.Conn.on_login, wa.Conn.on_node = logged_in, heard

    def _in_background(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What the number's device does

    def _login(self, conn: Any) -> Any:
        phone = self.phones.get(str(conn.payload.username))
        if phone is None or conn.acct is not phone.account:
            return wa.N("failure", {"reason": "401"})
        if phone.refusals:
            code = phone.refusals.pop(0)
            self.seen[f"login refused {code}"] += 1
            if code in (401, 403, 406):  # the device is gone: WhatsApp forgets what waited for it
                phone.account = None
                phone.waiting.clear()
            return wa.N("failure", {"reason": str(code)})
        self.seen["logins"] += 1
        return None

    def _message(self, conn: Any, node: Any) -> str | None:
        phone = self.phones[conn.acct.pn]
        peer = self.server.peer_for(node.a["to"])
        known = phone.sent.get(node.a["id"])
        if known is not None:
            known["times"] += 1
        elif node.plain is None:
            self.seen["sends that nobody can read"] += 1
        else:
            body = E2E.FromString(node.plain)
            text = body.conversation or body.extendedTextMessage.text
            phone.sent[node.a["id"]] = {"id": node.a["id"], "to": peer.pn, "text": text, "at": time.time(), "times": 1}
        if phone.drop_acks > 0:
            phone.drop_acks -= 1
            self.seen["acknowledgements dropped"] += 1
            return "drop"
        self._in_background(self._ticks(phone, peer, node.a["id"]))
        return None

    async def _ticks(self, phone: Phone, peer: Any, wa_id: str) -> None:
        for kind in ({}, {"type": "read"}):
            await asyncio.sleep(TICKS_AFTER)
            attrs = {"from": wa.J(peer.lid, "lid"), "id": wa_id, "t": str(int(time.time()))} | kind
            await self._send(phone, wa.N("receipt", attrs))

    async def _receipt(self, phone: Phone, node: Any) -> None:
        ids = [node.a["id"]]
        if isinstance(node.c, list):
            ids += [item.a["id"] for part in node.c if part.tag == "list" for item in part.c]
        kind = node.a.get("type")
        for wa_id in ids:
            written = phone.waiting.get(wa_id)
            if written is None:
                continue
            if kind == "retry":
                self.seen["asked to encrypt anew"] += 1
                written.peer.sess.pop(phone.account.key, None)
                self._encrypt(phone, written)
                await self._give(phone, written)
            elif kind in (None, "inactive"):
                written.acknowledged = time.time()
                del phone.waiting[wa_id]

    # What customers do

    def _encrypt(self, phone: Phone, written: Written) -> None:
        kind, ciphertext = written.peer.encrypt(phone.account, written.body)
        attributes = {
            "from": wa.J(written.peer.lid, "lid"),
            "id": written.id,
            "t": int(written.at),
            "type": "text",
            "notify": f"Customer {written.peer.pn[-3:]}",
            "addressing_mode": "lid",
            "sender_pn": wa.J(written.peer.pn),
        }
        written.stanza = wa.N("message", attributes, [wa.N("enc", {"v": "2", "type": kind}, ciphertext)])

    async def _give(self, phone: Phone, written: Written) -> None:
        written.given += 1
        written.first_given = written.first_given or time.time()
        await self._send(phone, written.stanza)

    async def _give_again(self, phone: Phone) -> None:
        await asyncio.sleep(TICKS_AFTER)
        for written in list(phone.waiting.values()):
            if written.stanza is None:
                self._encrypt(phone, written)
            self.seen["given again"] += bool(written.given)
            await self._give(phone, written)

    async def _send(self, phone: Phone, node: Any) -> None:
        conn = phone.account.conn if phone.account else None
        if conn is not None:
            try:
                await conn.send(node)
            except Exception:  # noqa: BLE001 - a socket that is cut just now, in any of the library's ways
                self.seen["written into a cut socket"] += 1

    # The control port

    async def handle(self, m: dict[str, Any]) -> dict[str, Any]:
        match m["cmd"]:
            case "pair":
                phone = self.phones.setdefault(m["phone"], Phone(m["phone"]))
                phone.device += 1
                await self.server.conn_for_qr(m["qr"]).pair(m["qr"], phone.digits, f"99{phone.digits}", phone.device)
                phone.account = self.server.accts[(phone.digits, phone.device)]
                return {}
            case "write":
                return await self._write(self.phones[m["phone"]], m["from"], m["text"])
            case "books":
                return {
                    "written": {
                        digits: [
                            {
                                "id": w.id,
                                "from": w.peer.pn,
                                "first_given": w.first_given,
                                "acknowledged": w.acknowledged,
                                "given": w.given,
                            }
                            for w in phone.written.values()
                        ]
                        for digits, phone in self.phones.items()
                    },
                    "waiting": sum(len(phone.waiting) for phone in self.phones.values()),
                    "sent": {digits: list(phone.sent.values()) for digits, phone in self.phones.items()},
                    "seen": dict(self.seen),
                }
            case "waiting":
                return {"waiting": sum(len(phone.waiting) for phone in self.phones.values())}
            case "kick":
                phones = [self.phones[m["phone"]]] if "phone" in m else self.phones.values()
                conns = [phone.account.conn for phone in phones if phone.account and phone.account.conn]
                for conn in conns:
                    conn.ws.transport.abort()
                return {"cut": len(conns)}
            case "refuse":
                self.phones[m["phone"]].refusals += [m["code"]] * m.get("times", 1)
                return {}
            case "drop_acks":
                self.phones[m["phone"]].drop_acks = m["times"]
                return {}
            case "poison":  # a receipt of a kind that the library cannot encode: its pump dies and stays online
                peer = next(iter(self.server.peers.values()))
                attrs = {
                    "from": wa.J(peer.lid, "lid"),
                    "id": "3EB0",
                    "t": str(int(time.time())),
                    "type": "server-error",
                }
                await self._send(self.phones[m["phone"]], wa.N("receipt", attrs))
                return {}
            case "online":
                return {"online": sum(bool(p.account and p.account.conn) for p in self.phones.values())}
        raise ValueError(f"unknown command {m['cmd']!r}")

    async def _write(self, phone: Phone, sender: str, text: str) -> dict[str, Any]:
        """A customer's message: taken by WhatsApp when the number has a device, whether that is online or not."""
        if phone.account is None or phone.account.bundle is None:
            return {"id": None}
        peer = self.server.peer_for(wa.J(sender))
        written = Written(secrets.token_hex(16).upper(), peer, E2E(conversation=text).SerializeToString(), time.time())
        phone.written[written.id] = phone.waiting[written.id] = written
        if phone.account.conn is not None:
            self._encrypt(phone, written)
            await self._give(phone, written)
        return {"id": written.id}


async def main() -> None:
    lab = Lab()
    port = await lab.server.start()

    async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            try:
                answer = {"ok": True} | await lab.handle(json.loads(line))
            except Exception as error:  # noqa: BLE001 - told to whoever asked
                answer = {"ok": False, "error": repr(error)}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()

    server = await asyncio.start_server(control, "127.0.0.1", 0, limit=1 << 24)
    environment = {
        "NO_PROXY": "127.0.0.1,localhost",
        "HTTPS_PROXY": f"http://127.0.0.1:{port}",
        "SSL_CERT_FILE": f"{wa.SCRATCH}/ca.pem",
        "PYTHONPATH": str(HOME / "preload"),
    }
    print(json.dumps({"control": server.sockets[0].getsockname()[1], "env": environment}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
