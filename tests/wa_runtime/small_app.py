"""An app that has one process of the runtime and prints its id and the nursery's, for tests that kill the app."""

import asyncio
import json
import sys
from pathlib import Path

from saasbot.wa_runtime.child import Child
from saasbot.wa_runtime.forked import nursery_pid


async def main(folder: Path) -> None:
    child = Child("tests.wa_runtime.obedient_process", folder / "child.log", lambda line: None)
    await child.start()
    sys.stdout.write(json.dumps([child.pid, nursery_pid()]) + "\n")
    sys.stdout.flush()
    await child.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
