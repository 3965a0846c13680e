"""`python -m soak [ROW …]`: every promise about numbers under load and faults, one row after the other; 1 when one was broken.

Each row is a module that runs alone as well, with options of its own: `python -m soak.simulated --minutes 1 --numbers 10`.
"""

import argparse
import subprocess
import sys
import time

from soak.world import ROOT

ROWS = {
    "simulated": (),
    "wire": ("--required",),
    "kills": (),
    "restore": ("--required",),
    "memory": ("--minutes", "60", "--required"),
}
"""With what each is started. A row that cannot run here has not kept its promise."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; all when none is named")
    rows = parser.parse_args().rows or list(ROWS)
    if unknown := set(rows) - ROWS.keys():
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    said: list[str] = []
    for row in rows:
        print(f"\n== {row}", flush=True)
        began = time.monotonic()
        code = subprocess.run([sys.executable, "-m", f"soak.{row}", *ROWS[row]], cwd=ROOT, check=False).returncode
        said.append(f"{row:<12}{'not kept' if code else 'kept':<10}{(time.monotonic() - began) / 60:6.1f} min")
    print("\n== all", *said, sep="\n")
    return 1 if any("not kept" in line for line in said) else 0


if __name__ == "__main__":
    sys.exit(main())
