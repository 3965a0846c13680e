"""A process of the runtime that does what it is told, line by line, and says what it is. For tests."""

import json
import os
import random
import signal
import sys
from pathlib import Path

from saasbot.infra import process_identity


def main() -> None:
    for line in sys.stdin:
        match json.loads(line):
            case {"raise": text}:
                raise ValueError(text)
            case {"exit": code}:
                os._exit(code)
            case {"signal": number}:
                os.kill(os.getpid(), number)
            case {"print": text}:
                print(text, flush=True)
            case {"tell": "itself"}:
                _say(_itself())
            case {"be": "deaf"}:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                _say({})
                while True:
                    signal.pause()


def _say(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _itself() -> dict[str, object]:
    entries = [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]
    return {
        "identity": process_identity.this_process(),
        "session": os.getsid(0),
        "parent": os.getppid(),
        "descriptors": sorted(entry for entry in entries if Path(f"/proc/self/fd/{entry}").exists()),
        "random": random.random(),
        "setting": os.environ.get("A_SETTING"),
    }


if __name__ == "__main__":
    main()
