"""A bridge that holds anything but one number: holding that one it dies, as the Go runtime does (SIGABRT). For tests."""

import json
import os
import sys


def main() -> None:
    deadly = os.environ["DEADLY_CHANNEL"]
    for line in sys.stdin:
        held = [number["channel_id"] for number in json.loads(line)["numbers"]]
        print(json.dumps({"held": held, "resident": 0}), flush=True)
        if deadly in held:
            os.abort()
