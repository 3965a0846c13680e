"""Rows of figures: printed as a table, written as JSON."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).with_name("results.json")


@dataclass(frozen=True)
class Figure:
    """One measured value. `target` is what the issue asks for, in words; empty for a raw limit beside ours."""

    name: str
    value: float
    unit: str
    n: int
    target: str = ""
    machine: str = (
        f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which that many percent lie. Needs at least two values."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def latencies(name: str, milliseconds: Sequence[float], *, p50: str = "", p95: str = "") -> list[Figure]:
    return [
        Figure(f"{name} p50", round(percentile(milliseconds, 50), 1), "ms", len(milliseconds), p50),
        Figure(f"{name} p95", round(percentile(milliseconds, 95), 1), "ms", len(milliseconds), p95),
    ]


def show(figures: Sequence[Figure]) -> None:
    width = max(len(figure.name) for figure in figures)
    print(f"\n{'measure':<{width}}  {'value':>10} {'unit':<8} {'n':>7}  target")
    for figure in figures:
        print(f"{figure.name:<{width}}  {figure.value:>10g} {figure.unit:<8} {figure.n:>7}  {figure.target}")


def write(figures: Sequence[Figure]) -> None:
    RESULTS.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")
