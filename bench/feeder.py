"""The other side of the throughput measure, in a process of its own: journals messages as bridges would.

stdin: lines `company channel`, then an empty line. stdout: how many messages were journalled, when all are.
"""

import sys
import threading
import time
from pathlib import Path
from uuid import UUID

from bench.cast import text_event
from bench.throughput import CHATS, RATE, SECONDS
from saasbot.wa_runtime.journal import NumberJournal
from saasbot.wa_runtime.protobufs import MESSAGE


def _feed(number: int, journal: NumberJournal, count: int, interval: float) -> None:
    started = time.perf_counter()
    for i in range(count):
        due = started + i * interval
        if (wait := due - time.perf_counter()) > 0:
            time.sleep(wait)
        event = text_event(number * 1_000_000 + i % CHATS, f"F{number}-{i}", f"¿Cuánto cuesta el artículo {i}?")
        journal.append(MESSAGE, event)
    journal.close()


def main() -> None:
    dsn, data_dir = sys.argv[1:]
    lines = []
    for line in sys.stdin:
        if not line.strip():
            break
        lines.append(line.split())
    each = RATE * SECONDS // len(lines)
    threads = []
    for number, (company, channel) in enumerate(lines):
        journal = NumberJournal(
            company_id=UUID(company), channel_id=UUID(channel), epoch=1, dsn=dsn, spool_dir=Path(data_dir, "spool")
        )
        threads.append(threading.Thread(target=_feed, args=(number, journal, each, SECONDS / each)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(each * len(lines), flush=True)


main()
