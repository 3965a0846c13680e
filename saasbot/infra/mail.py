"""Mail: through SMTP when `SAASBOT_SMTP_URL` is set, else into `mail/` of the data directory, one file each."""

import asyncio
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib

from saasbot.infra.logging import get_logger
from saasbot.infra.settings import settings

log = get_logger(__name__)

_SECONDS = 20
# Lines as they are, so that a link in a stored file is in one piece.
_POLICY = policy.default.clone(cte_type="8bit", max_line_length=None)
_IMPLICIT_TLS_PORT, _SUBMISSION_PORT = 465, 587
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail that was written to a file instead of being sent."""

    to: str
    subject: str
    text: str
    at: datetime


async def send(*, to: str, subject: str, text: str) -> None:
    """Afterwards the mail server has taken the mail, or it lies in the data directory.

    Raises: aiosmtplib.SMTPException, OSError (callers are jobs and try again).
    """
    message = _compose(to, subject, text)
    if settings().smtp_url.get_secret_value():
        await _deliver(message)
        log.info("mail.sent")
    else:
        path = await asyncio.to_thread(_store, message)
        log.info("mail.stored", file=str(path))


def stored_mails() -> list[StoredMail]:
    """The newest mails of the data directory, newest first; one that is still being written begins with a dot."""
    paths = sorted(_folder().glob("[!.]*.eml"), reverse=True)[:_SHOWN]
    return [_read(path) for path in paths]


def _compose(to: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    message["From"] = settings().mail_from
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime.now(UTC))
    domain = parseaddr(settings().mail_from)[1].rpartition("@")[2]
    message["Message-ID"] = make_msgid(domain=domain or "localhost")
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation answers, please
    message.set_content(text, cte="8bit")
    return message


async def _deliver(message: EmailMessage) -> None:
    url = urlsplit(settings().smtp_url.get_secret_value())
    implicit_tls = url.scheme == "smtps"
    await aiosmtplib.send(
        message,
        hostname=url.hostname,
        port=url.port or (_IMPLICIT_TLS_PORT if implicit_tls else _SUBMISSION_PORT),
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        use_tls=implicit_tls,
        timeout=_SECONDS,
    )


def _folder() -> Path:
    return settings().data_dir / "mail"


def _store(message: EmailMessage) -> Path:
    """The file appears whole: readers never see half a mail."""
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f") + f"-{os.urandom(3).hex()}.eml"
    making = folder / f".{name}"
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(message.as_bytes())
    return making.rename(folder / name)


def _read(path: Path) -> StoredMail:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    return StoredMail(
        to=str(message["To"]),
        subject=str(message["Subject"]),
        text=body.get_content() if body else "",
        at=message["Date"].datetime,
    )
