"""structlog over the standard library: stable event names, ids as context, never bodies, keys or whole phone numbers."""

import logging
import re
import sys

import structlog
from structlog.typing import EventDict, WrappedLogger

_SECRET_NAMES = re.compile(r"(password|token|secret|api_key|authorization|cookie|text|body)$", re.IGNORECASE)
_PHONE = re.compile(r"(?<!\w)\+?\d{8,15}(?!\w)")
# Where tokens stand in texts of others: Reflex logs whole events with their cookies, servers log addresses with queries.
_TOKEN = re.compile(r"((?:saasbot-(?:session|device)=|[?&\s'\"](?:ticket|token)=|[Bb]earer ))[\w.~+/%-]+=*")
_LONGEST = 16_000
"""Of one value: what a client sends must not fill the disk through an error's text."""
_API_KEY = re.compile(r"\bsk-[\w-]{8,}")


def _redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The last guard: whatever a careless call passes, names that hold secrets and long digit runs do not leave."""
    for key, value in event.items():
        if key != "event" and _SECRET_NAMES.search(key):
            event[key] = "[redacted]"
        elif isinstance(value, str):
            event[key] = _without_secrets(value)
    return event


def _without_secrets(text: str) -> str:
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… ({len(text)} characters)"
    text = _API_KEY.sub("[redacted]", _TOKEN.sub(r"\1[redacted]", text))
    return _PHONE.sub(lambda found: found.group()[:4] + "…" + found.group()[-2:], text)


def configure(*, json: bool, level: str = "INFO") -> None:
    """Route both structlog and the standard library through one formatter, JSON lines or readable ones."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("httpx", "httpx2", "procrastinate", "botocore", "boto3", "urllib3", "engineio", "socketio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    return structlog.stdlib.get_logger(name)
