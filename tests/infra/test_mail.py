"""Mail goes to a server when one is set, and into files that a person can read when not."""

import socket
import stat
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.controller import Controller

from saasbot.infra import mail
from saasbot.infra.settings import settings
from tests.attack.attempts import attempt

LINK = "http://localhost:3000/reset-password?token=" + "x" * 60
TEXT = f"Hola, Ñandú 🦤:\n\n{LINK}\n\nAdiós\n"


@pytest.fixture
def settings_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def use(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"SAASBOT_{name}", value)
        settings.cache_clear()

    use(DATA_DIR=str(tmp_path))
    yield use
    monkeypatch.undo()
    settings.cache_clear()


class Inbox:
    def __init__(self) -> None:
        self.received: list[tuple[str, list[str], EmailMessage]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # aiosmtpd's name
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append((envelope.mail_from, envelope.rcpt_tos, message))
        return "250 OK"


async def test_without_a_server_a_file_holds_the_mail_as_it_is_read(settings_of: Any, tmp_path: Path):
    await mail.send(to="ana@example.com", subject="Elige una contraseña", text=TEXT)
    (file,) = (tmp_path / "mail").iterdir()
    assert LINK in file.read_text(), "a person, or a test, copies the link out of the file"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (stored,) = mail.stored_mails()
    assert (stored.to, stored.subject, stored.text) == ("ana@example.com", "Elige una contraseña", TEXT)


async def test_the_newest_comes_first(settings_of: Any):
    for number in range(3):
        await mail.send(to="ana@example.com", subject=f"Mail {number}", text="x")
    assert [stored.subject for stored in mail.stored_mails()] == ["Mail 2", "Mail 1", "Mail 0"]


async def test_one_that_is_being_written_is_not_there_yet(settings_of: Any, tmp_path: Path):
    await mail.send(to="ana@example.com", subject="Whole", text="x")
    (tmp_path / "mail" / ".20991231T235959.000000-abcdef.eml").write_bytes(b"")
    assert [stored.subject for stored in mail.stored_mails()] == ["Whole"]


async def test_with_a_server_it_is_handed_over(settings_of: Any, tmp_path: Path):
    inbox = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        settings_of(SMTP_URL=f"smtp://127.0.0.1:{port}", MAIL_FROM="Tienda <hola@tienda.example>")
        await mail.send(to="ana@example.com", subject="Elige una contraseña", text=TEXT)
    finally:
        controller.stop()
    ((sender, recipients, message),) = inbox.received
    assert (sender, recipients) == ("hola@tienda.example", ["ana@example.com"])
    assert message["Subject"] == "Elige una contraseña"
    assert message.get_content().replace("\r\n", "\n") == TEXT
    assert not (tmp_path / "mail").exists()


async def test_a_server_that_does_not_answer_is_an_error_for_the_job(settings_of: Any):
    settings_of(SMTP_URL="smtp://127.0.0.1:1")
    with pytest.raises((aiosmtplib.SMTPException, OSError)):
        await mail.send(to="ana@example.com", subject="x", text="x")


@attempt(104, "secrets", "A line break in a subject adds a hidden recipient to a mail.")
async def test_a_line_break_in_a_subject_makes_no_header(settings_of: Any):
    with pytest.raises(ValueError, match="linefeed"):
        await mail.send(to="ana@example.com", subject="x\r\nBcc: eve@example.com", text="x")
