"""Drives the wire lab: a WhatsApp server on loopback that the unmodified neonize really pairs with.

It lies beside the checkout (`../shared/wire-lab`) or where SAASBOT_WIRE_LAB says; tests that use it skip without it.
"""

import asyncio
import base64
import json
import os
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from saasbot.wa_runtime.protobufs import e2e

HOME = Path(os.environ.get("SAASBOT_WIRE_LAB") or Path(__file__).parents[2] / "shared" / "wire-lab")
ABSENT = (
    f"the wire lab is not at {HOME}; set SAASBOT_WIRE_LAB to run the tests of real WhatsApp numbers"
    if not (HOME / "serve.py").is_file()
    else ""
)
_SERVER = Path(__file__).with_name("wire_lab_server.py")
PHONE, LID = "5491112345678", "123400000000001"
CUSTOMER, CUSTOMER_LID = "5491155550001", "998800000000001"


class WireLab:
    """`env` makes any process that is started with it talk to this server instead of WhatsApp."""

    server = _SERVER
    """The program that is WhatsApp; it prints how to reach it."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._turn = asyncio.Lock()
        self.env: dict[str, str] = {}

    async def start(self) -> "WireLab":
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, str(self.server), str(HOME), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdout is not None
        info = json.loads(await asyncio.wait_for(self._process.stdout.readline(), 60))
        self.env = info["env"]
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", info["control"], limit=1 << 24)
        return self

    async def stop(self) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def command(self, cmd: str, **arguments: Any) -> dict[str, Any]:
        assert self._writer is not None and self._reader is not None
        async with self._turn:
            self._writer.write(json.dumps({"cmd": cmd, **arguments}).encode() + b"\n")
            answer = json.loads(await asyncio.wait_for(self._reader.readline(), 30))
        if not answer.pop("ok"):
            raise RuntimeError(answer["error"])
        return answer

    async def scan(self, qr: str, *, phone: str = PHONE, lid: str = LID, device: int = 7) -> None:
        """A phone scans that QR."""
        await self.command("pair", qr=qr, phone=phone, lid=lid, device=device)

    async def deliver(self, text: str = "", *, e2e: bytes | None = None, phone: str = PHONE, **more: Any) -> str:
        """A customer writes to the number; returns the WhatsApp id. More: id, push, mode, duplicate, timestamp, attrs."""
        sender = {"from": more.pop("sender", CUSTOMER), "from_lid": more.pop("sender_lid", CUSTOMER_LID)}
        body = {"e2e": base64.b64encode(e2e).decode()} if e2e is not None else {"text": text}
        return (await self.command("deliver", phone=phone, **sender, **body, **more))["id"]

    async def group(self, jid: str, name: str, people: dict[str, str]) -> None:
        """There is a group with these people (LID by phone), and every number is in it that asks about it."""
        await self.command("group", group=jid, name=name, people=people)

    async def deliver_in_group(self, jid: str, text: str = "", *, sender: str, sender_lid: str, **more: Any) -> str:
        """One of its people writes in it. The rest as `deliver`."""
        author = {"participant": f"{sender_lid}@lid", "participant_pn": f"{sender}@s.whatsapp.net", "from": jid}
        return await self.deliver(text, sender=sender, sender_lid=sender_lid, attrs=author, **more)

    async def receipt(self, wa_id: str, kind: str | None = None, *, phone: str = PHONE, sender: str = CUSTOMER_LID):
        """The customer's phone has the message (kind None) or has shown it (`read`)."""
        attrs = {"from": f"{sender}@lid", "id": wa_id, "t": "1795218000"} | ({"type": kind} if kind else {})
        await self.command("raw", phone=phone, tag="receipt", attrs=attrs)

    async def sent(self, phone: str = PHONE) -> list[dict[str, Any]]:
        """What the number sent, as the customers read it: id, to, kind, text, e2e (base64), at."""
        return (await self.command("sent", phone=phone))["messages"]

    async def kick(self, phone: str = PHONE) -> None:
        await self.command("kick", phone=phone)

    async def refuse(self, code: int, times: int = 1) -> None:
        """The next logins fail with this code."""
        await self.command("refuse", code=code, times=times)

    async def remove(self, phone: str = PHONE) -> None:
        """The phone takes its device off the list, for good."""
        await self.command("remove", phone=phone)

    async def acknowledge(self, mode: str, times: int = 0) -> None:
        """`ok`, or `drop` the acknowledgement of the next sends."""
        await self.command("message_ack", mode=mode, times=times)

    @asynccontextmanager
    async def slow_logins(self, seconds: float) -> AsyncIterator[None]:
        """Each login is answered so much later."""
        await self.command("slow_logins", seconds=seconds)
        try:
            yield
        finally:
            await self.command("slow_logins", seconds=0)

    @asynccontextmanager
    async def silent_media(self) -> AsyncIterator[None]:
        """Meanwhile the host of files takes what it is asked and never answers."""
        await self.command("silence_media", on=True)
        try:
            yield
        finally:
            await self.command("silence_media", on=False)

    async def silence(self, phone: str = PHONE) -> None:
        """The number's socket stands and nothing passes on it any more. A new socket of it is as always."""
        await self.command("silence", phone=phone, on=True)

    async def devices(self) -> list[str]:
        """Under which names devices have registered."""
        return (await self.command("devices"))["names"]

    async def unlinked(self) -> list[str]:
        """The phones that no longer list a device, because it asked for that."""
        return (await self.command("unlinked"))["phones"]

    async def hand_over(self, part: bytes, *, phone: str, lid: str) -> None:
        """The phone gives its device a part of its history (a `HistorySync`), as its clients do: packed in a message to it."""
        notice = e2e.HistorySyncNotification(
            syncType=e2e.HistorySyncType.INITIAL_BOOTSTRAP,
            chunkOrder=1,
            initialHistBootstrapInlinePayload=zlib.compress(part),
        )
        kind = e2e.ProtocolMessage.HISTORY_SYNC_NOTIFICATION
        body = e2e.Message(protocolMessage=e2e.ProtocolMessage(type=kind, historySyncNotification=notice))
        await self.deliver(
            e2e=body.SerializeToString(), phone=phone, sender=phone, sender_lid=lid, attrs={"category": "peer"}
        )

    async def logins(self) -> int:
        return (await self.command("stats"))["logins"]
