"""`python -m bench [name …]`: run the measures, print a table, write bench/results.json."""

import importlib
import sys

from bench.report import Figure, show, write

MEASURES = ("throughput", "reply", "scale", "doors", "app")


def main() -> None:
    chosen = sys.argv[1:] or MEASURES
    figures: list[Figure] = []
    for name in chosen:
        print(f"measuring {name} …", flush=True)
        figures += importlib.import_module(f"bench.{name}").measure()
    show(figures)
    if not sys.argv[1:]:
        write(figures)


main()
