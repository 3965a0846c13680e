"""A process that holds one number over the real transport, for tests: commands and events as JSON lines.

    python -m tests.wa_runtime.number_process pair STORE_DSN [PHONE]
    python -m tests.wa_runtime.number_process hold STORE_DSN DEVICE_JID

What would be journalled, and every state, is printed as it happens. It is a process of its own because the library can end
its process, and because the wire lab's key is put into a process when it starts.
"""

import asyncio
import base64
import json
import os
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

_out = os.dup(1)
os.dup2(2, 1)  # the Go side prints to stdout


def say(kind: str, **values: Any) -> None:
    os.write(_out, json.dumps({"kind": kind, **values}).encode() + b"\n")


class PrintedJournal:
    def append(self, code: int, raw: bytes) -> None:
        say("journal", code=code, raw=base64.b64encode(raw).decode())
        if os.environ.get("JOURNAL_FAILS"):
            raise OSError("disk full")

    async def append_many(self, events: list[tuple[int, bytes]]) -> None:
        for code, raw in events:
            self.append(code, raw)


async def pair(dsn: str, phone: str | None) -> None:
    from saasbot.wa_runtime import neonize_pairing
    from saasbot.wa_runtime.neonize_client import prepare_loop
    from saasbot.wa_runtime.neonize_pairing import NeonizePairing
    from saasbot.wa_runtime.transport import PairingCode, PairingFailed

    async def show(code: PairingCode) -> None:
        say("code", code=code.code, number=code.number, expires_at=code.expires_at.isoformat())
        if status := os.environ.get("LOGIN_STATUS"):  # as if the library had said so: nobody waits 160 s for a timeout
            pairing._put("login", status)

    prepare_loop(1)
    for name in ("SETTLE_SECONDS", "LOGIN_SECONDS"):
        if name in os.environ:
            setattr(neonize_pairing, name, float(os.environ[name]))
    journal = PrintedJournal()
    expected = os.environ.get("EXPECTED_PHONE")
    pairing = NeonizePairing(
        dsn,
        phone=phone,
        expected=expected,
        in_use=os.environ.get("PHONES_IN_USE", "").split(),
        journal=journal.append,
        linked=lambda: say("linked"),
        proxy=os.environ.get("PROXY"),
        device_name=os.environ.get("DEVICE_NAME", "Prueba"),
    )
    try:
        paired = await pairing.run(show)
        say("paired", device_jid=paired.device_jid, phone=paired.phone, lid=paired.lid, push_name=paired.push_name)
    except PairingFailed as failed:
        say("failed", reason=failed.reason)


async def hold(dsn: str, device_jid: str) -> None:
    from saasbot.models import MessageType
    from saasbot.wa_runtime import neonize_gate, neonize_hearing, neonize_transport
    from saasbot.wa_runtime.neonize_client import LibraryClient, prepare_loop
    from saasbot.wa_runtime.neonize_events import KEEP_ALIVE_TIMEOUT
    from saasbot.wa_runtime.neonize_gate import Gate
    from saasbot.wa_runtime.neonize_transport import NeonizeTransport
    from saasbot.wa_runtime.protobufs import events
    from saasbot.wa_runtime.transport import (
        DownloadFailed,
        NotConnected,
        NumberRef,
        Outgoing,
        OutgoingMedia,
        OutgoingPoll,
        Quoted,
        SendDelayed,
        SendRefused,
        SendUnknown,
        Target,
        Wiring,
    )

    async def proxy() -> str | None:
        return chosen_proxy

    chosen_proxy = os.environ.get("PROXY")
    for name in ("QUIET_SECONDS", "ANSWER_SECONDS", "CALM_AFTER_SECONDS", "CALM_SECONDS"):
        if name in os.environ:
            setattr(neonize_hearing, name, float(os.environ[name]))
    if seconds := os.environ.get("PASS_SECONDS"):
        neonize_gate.PASS_SECONDS = float(seconds)
    if seconds := os.environ.get("CLOSE_LATE"):
        close = LibraryClient.close

        async def close_late(self: LibraryClient) -> None:
            say("closing")
            await asyncio.sleep(float(seconds))
            await close(self)
            say("closed")

        LibraryClient.close = close_late
    prepare_loop(1)
    for name in ("SEND_SECONDS", "TRANSFER_SECONDS"):
        if name in os.environ:
            setattr(neonize_transport, name, float(os.environ[name]))
    wiring = Wiring(
        PrintedJournal(),
        lambda change: say(
            "state",
            status=str(change.status),
            reason=change.reason,
            fatal=change.fatal,
            retry_at=change.retry_at.isoformat() if change.retry_at else None,
            heard_at=change.heard_at.isoformat() if change.heard_at else None,
        ),
        lambda typing: say("typing", chat=typing.chat_jid, on=typing.on),
        proxy=proxy,
    )
    number = NumberRef(UUID(int=1), UUID(int=2), device_jid)
    gate = Gate()
    transport = NeonizeTransport(number, wiring, dsn, gate)
    await transport.connect()
    say("started")

    async def do(command: dict[str, Any]) -> dict[str, Any]:
        nonlocal chosen_proxy
        match command.pop("do"):
            case "send":
                media = command.pop("media", None)
                if media is not None:
                    media = OutgoingMedia(base64.b64decode(media.pop("content")), **media)
                if quoted := command.pop("quoted", None):
                    command["quoted"] = Quoted(**quoted)
                if poll := command.pop("poll", None):
                    secret = bytes.fromhex(poll.pop("secret"))
                    command["poll"] = OutgoingPoll(**poll, secret=secret)
                if target := command.pop("target", None):
                    command["target"] = Target(**target, at=datetime.now(UTC))
                outgoing = Outgoing(
                    UUID(int=3), command.pop("to"), command.pop("type", MessageType.TEXT), media=media, **command
                )
                sent = await transport.send(outgoing, await transport.prepare(outgoing))
                return {"wa_id": sent.wa_id, "chat": sent.chat_jid, "at": sent.at.isoformat()}
            case "lookup":
                return {"chat": await transport.lookup(command["phone"])}
            case "typing":
                await transport.typing(command["to"], command["on"])
            case "mark_read":
                await transport.mark_read(command["to"], command["ids"], command["to"])
            case "reject_call":
                await transport.reject_call(command["caller"], command["call_id"])
            case "download":
                content = await transport.download(base64.b64decode(command["raw"]))
                return {"content": base64.b64encode(content).decode()}
            case "reconnect":
                chosen_proxy = command["proxy"]
                await transport.reconnect()
            case "late_ping":  # as if the library had said so: nobody waits for its next ping
                late = events.KeepAliveTimeout(ErrorCount=1, LastSuccess=command["answered_at"])
                transport._connection._receive(KEEP_ALIVE_TIMEOUT, late.SerializeToString())
            case "keep_gate":  # as a neighbour does whose handshake is slow
                await gate.shut()
                await asyncio.sleep(command["seconds"])
                gate.open()
            case "library_reads_vote":  # what the library makes of a vote in a poll that it sent
                # its own wrapper of this call fails on what the call returns (neonize 0.5.2)
                api, raw = transport._connection.client().api, base64.b64decode(command["raw"])
                made = await api._NewAClient__client.DecryptPollVote(api.uuid, raw, len(raw))
                answer = events.ReturnFunctionWithError.FromString(made.contents.get_bytes())
                chosen = [option.hex() for option in answer.PollVoteMessage.selectedOptions]
                return {"chosen": chosen, "problem": answer.Error}
            case "logout":
                await transport.logout()
            case "close":
                await transport.close()
        return {}

    async def answer(command: dict[str, Any]) -> None:
        number = command.pop("n")
        try:
            say("answer", n=number, **await do(command))
        except (NotConnected, SendDelayed, SendUnknown) as error:
            say("answer", n=number, error=type(error).__name__, text=str(error))
        except (SendRefused, DownloadFailed) as error:
            say("answer", n=number, error=type(error).__name__, text=error.code)

    loop, tasks = asyncio.get_running_loop(), set()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        task = asyncio.create_task(answer(json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def main() -> None:
    job, store, *rest = sys.argv[1:]
    await (pair(store, rest[0] if rest else None) if job == "pair" else hold(store, rest[0]))
    os._exit(
        0
    )  # inside the loop: leaving it would wait for the library's threads, and those of a failed attempt never end


if __name__ == "__main__":
    asyncio.run(main())
