"""The table of `python -m saasbot.wa_runtime status`: every number, as the database knows it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from saasbot.domain.admin.numbers import NumberHealth

_HEAD = (
    "number", "kind", "state", "since", "for", "reason", "holder", "epoch", "memory", "lag", "seen", "last in", "queue", "oldest", "unconf.", "aside",
)  # fmt: skip
_SHORT = 8


def status_table(numbers: Sequence[NumberHealth], *, now: datetime) -> str:
    """One line a number under a head, columns aligned. Moments are UTC."""
    if not numbers:
        return "There are no numbers yet.\n"
    rows = [_HEAD, *(_row(number, now) for number in numbers)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines) + "\n"


def _short(number: NumberHealth) -> str:
    """Ids begin with the time of their creation and end at random: the end tells them apart."""
    return number.channel_id.hex[-_SHORT:]


def _row(number: NumberHealth, now: datetime) -> tuple[str, ...]:
    holder = f"{number.pid or '?'}@{number.host or '?'}" if number.held else "-"
    last_in = "-" if number.last_message_at is None else _span((now - number.last_message_at).total_seconds())
    return (
        _short(number),
        number.kind,
        number.status,
        f"{number.since.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        _span(number.status_age),
        number.reason or "-",
        holder,
        str(number.epoch),
        "-" if number.memory_bytes is None else f"{number.memory_bytes / 1024**2:.0f} MB",
        "-" if number.loop_lag is None else f"{number.loop_lag * 1000:.0f} ms",
        "-" if number.silent_for is None else _span(number.silent_for),
        last_in,
        str(number.queued),
        _span(number.oldest_queued_age) if number.queued else "-",
        str(number.unconfirmed),
        str(number.set_aside),
    )


def _span(seconds: float) -> str:
    """`4s`, `12m`, `3h`, `5d`: the one unit that matters."""
    whole = max(0, int(seconds))
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"
