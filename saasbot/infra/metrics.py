"""What this process counts of itself, for Prometheus: memory, event loop, messages that it stored, reports of browsers.

Labels are ids and kinds. Nothing here may carry a name, a phone number or a text.
"""

from collections.abc import Iterable
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from saasbot.infra import platform_uses

_registry = CollectorRegistry()
ProcessCollector(registry=_registry)
_lag = Histogram(
    "saasbot_event_loop_lag_seconds",
    "How much later than asked the event loop of this process woke up, sampled twice a second.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
    registry=_registry,
)
_received = Counter(
    "saasbot_messages_received_total",
    "Messages taken from the journal by this process, repeated ones included.",
    ("channel", "kind"),
    registry=_registry,
)
_violations = Counter(
    "saasbot_csp_reports_total",
    "What browsers say a page was not allowed to do, by the directive of its policy.",
    ("directive",),
    registry=_registry,
)


def count_policy_violation(directive: str) -> None:
    """A browser reported one. `directive` is one of few: anybody can send a report."""
    _violations.labels(directive).inc()


class _PlatformUses(Collector):
    def collect(self) -> Iterable[Metric]:
        uses = CounterMetricFamily(
            "saasbot_platform_uses",
            "Transactions of this process that were not within one company, by their reason.",
            labels=("why",),
        )
        for why, count in platform_uses.counts.items():
            uses.add_metric([why], count)
        yield uses


_registry.register(_PlatformUses())


def count_received(channel_id: UUID, kind: str, messages: int) -> None:
    """This process has taken so many messages of a number from its journal."""
    _received.labels(str(channel_id), kind).inc(messages)


def count_loop_lag(seconds: float) -> None:
    """A sample (`infra/loop_lag.py`)."""
    _lag.observe(seconds)


def own_metrics() -> bytes:
    """The text that Prometheus reads, of this process alone."""
    return generate_latest(_registry)
