"""structlog over the standard library: stable event names, ids as context, never bodies, keys or whole phone numbers."""

import logging
import sys
import threading
from types import TracebackType

import structlog
from structlog.typing import EventDict, WrappedLogger

from saasbot.infra.redaction import redacted

_OURS = ("timestamp", "level", "logger", "_record", "_from_structlog")
"""What structlog itself puts into an event."""


def _redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The last guard: whatever a careless call passes, secrets and whole phone numbers do not leave."""
    for key, value in event.items():
        event[key] = value if key in _OURS else redacted(key, value)
    return event


def _console(*, colors: bool) -> structlog.dev.ConsoleRenderer:
    """Without structlog's own traces, which print the variables of every frame."""
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)


def _before_configured() -> None:
    """What is logged before `configure`, or by a command that needs none, is cut as well, and is no part of what a command answers."""
    structlog.reset_defaults()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            _console(colors=False),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


_before_configured()


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
    renderer = structlog.processors.JSONRenderer() if json else _console(colors=sys.stderr.isatty())
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


def log_uncaught() -> None:
    """What nobody catches goes through the formatter too, instead of being printed as it is."""

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        logging.getLogger("saasbot").critical("process.uncaught", exc_info=(kind, error, trace))

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook, threading.excepthook = uncaught, in_thread


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    return structlog.stdlib.get_logger(name)
