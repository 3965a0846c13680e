"""`GET /metrics`, for Prometheus: this process, and what the database knows of every number.

For this machine, or with the token; to everybody else the address does not exist.
"""

import asyncio
import secrets
import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from saasbot.api.clients import is_from_this_machine
from saasbot.domain.admin.numbers import NumberHealth, read_numbers
from saasbot.domain.channels.acks import BOUNDS
from saasbot.infra.logging import get_logger
from saasbot.infra.metrics import own_metrics
from saasbot.infra.settings import settings
from saasbot.models import ChannelStatus

log = get_logger(__name__)

_KEPT_SECONDS = 3.0
_LABELS = ("channel", "kind")


class _Guarded(Route):
    """Matches only for those who may: for others the request goes on to whatever answers an unknown address."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        return (match, child) if match == Match.FULL and _may_read(scope) else (Match.NONE, {})


def _may_read(scope: Scope) -> bool:
    token = settings().metrics_token.get_secret_value().encode()
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if token and len(given) == 1 and secrets.compare_digest(given[0], b"Bearer " + token):
        return True
    return is_from_this_machine(scope)


class _Numbers(Collector):
    """The numbers as metric families; nothing when the database could not be asked."""

    def __init__(self, numbers: list[NumberHealth] | None) -> None:
        self._numbers = numbers

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "saasbot_database_up", "Whether the database answered this scrape.", value=float(self._numbers is not None)
        )
        numbers = self._numbers or []
        yield _states(numbers)
        yield _gauge("number_state_age_seconds", "Time in its present state.", ((n, n.status_age) for n in numbers))
        yield _gauge("number_held", "Whether a process holds it.", ((n, float(n.held)) for n in numbers))
        yield _gauge("number_queued", "Messages that wait to go out.", ((n, n.queued) for n in numbers))
        yield _gauge(
            "number_oldest_queued_seconds",
            "Age of the oldest message that waits to go out.",
            ((n, n.oldest_queued_age) for n in numbers),
        )
        yield _gauge(
            "number_unconfirmed", "Messages that may have gone out or not.", ((n, n.unconfirmed) for n in numbers)
        )
        yield _gauge(
            "number_undecryptable",
            "Messages of the last 24 hours whose readable form has not come; without those sent to the phone alone.",
            ((n, n.undecryptable) for n in numbers),
        )
        yield _gauge(
            "number_set_aside", "Events that could not be stored, since ever.", ((n, n.set_aside) for n in numbers)
        )
        yield _gauge(
            "number_process_memory_bytes",
            "Resident memory of the process that holds it; numbers that share one show the same.",
            ((n, n.memory_bytes) for n in numbers if n.memory_bytes is not None),
        )
        yield _gauge(
            "number_process_loop_lag_seconds",
            "How late the event loop of that process woke up, at worst in the last minute.",
            ((n, n.loop_lag) for n in numbers if n.loop_lag is not None),
        )
        restarts = CounterMetricFamily(
            "saasbot_number_restarts", "How often another process took it up after the first.", labels=_LABELS
        )
        deaf = CounterMetricFamily(
            "saasbot_number_deaf_seconds",
            "How long it was connected and heard nothing, from what it last heard on; less than five minutes apart is one time.",
            labels=_LABELS,
        )
        sent = CounterMetricFamily("saasbot_messages_sent", "Messages that WhatsApp acknowledged.", labels=_LABELS)
        for number in numbers:
            restarts.add_metric(_labels(number), max(0, number.epoch - 1))
            deaf.add_metric(_labels(number), number.deaf_seconds)
            sent.add_metric(_labels(number), sum(number.acks))
        yield restarts
        yield deaf
        yield sent
        yield _ack_times(numbers)


def _labels(number: NumberHealth) -> list[str]:
    return [str(number.channel_id), number.kind]


def _gauge(name: str, says: str, values: Iterable[tuple[NumberHealth, float]]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(f"saasbot_{name}", says, labels=_LABELS)
    for number, value in values:
        gauge.add_metric(_labels(number), value)
    return gauge


def _states(numbers: list[NumberHealth]) -> GaugeMetricFamily:
    """One-hot, so that an alert can name the state and its end is seen too."""
    states = GaugeMetricFamily("saasbot_number_state", "1 for the state it is in.", labels=(*_LABELS, "state"))
    for number in numbers:
        for state in ChannelStatus:
            states.add_metric([*_labels(number), state], float(number.status == state))
    return states


def _ack_times(numbers: list[NumberHealth]) -> HistogramMetricFamily:
    times = HistogramMetricFamily(
        "saasbot_send_ack_seconds", "From handing a message over until WhatsApp acknowledged it.", labels=_LABELS
    )
    for number in numbers:
        counts = number.acks or (0,) * (len(BOUNDS) + 1)
        buckets, total = [], 0
        for bound, count in zip([*map(str, BOUNDS), "+Inf"], counts, strict=True):
            total += count
            buckets.append((bound, total))
        times.add_metric(_labels(number), buckets, number.ack_seconds)
    return times


class _Cache:
    """However many scrape, the database is asked once in a few seconds."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._read_at = float("-inf")
        self._numbers: list[NumberHealth] | None = None

    async def numbers(self) -> list[NumberHealth] | None:
        async with self._lock:
            if time.monotonic() - self._read_at > _KEPT_SECONDS:
                try:
                    self._numbers = await read_numbers()
                except (SQLAlchemyError, OSError, KeyError) as error:
                    log.warning("metrics.database_unavailable", error=type(error).__name__)
                    self._numbers = None
                self._read_at = time.monotonic()
            return self._numbers


_cache = _Cache()


async def get_metrics(_request: Request) -> Response:
    registry = CollectorRegistry()
    registry.register(_Numbers(await _cache.numbers()))
    body = own_metrics() + generate_latest(registry)
    return Response(body, media_type=CONTENT_TYPE_PLAIN_0_0_4, headers={"Cache-Control": "no-store"})


routes = [_Guarded("/metrics", get_metrics, methods=["GET"])]
