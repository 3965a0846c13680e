"""The lab's own `serve.py`, where extra attributes of a delivered message may be WhatsApp addresses as well: an echo of what
the owner typed on the phone names its `recipient` by one. `python wire_lab_server.py LAB_FOLDER`
"""

import runpy
import sys
from pathlib import Path
from typing import Any

home = Path(sys.argv[1])
sys.path.insert(0, str(home))
import wire_server  # pyright: ignore[reportMissingImports]  # noqa: E402

_deliver = wire_server.FakeWA.deliver


async def _with_addresses(self: Any, *message: Any, extra: dict[str, str] | None = None, **more: Any) -> str:
    attributes = {name: wire_server.jid(value) if "@" in value else value for name, value in (extra or {}).items()}
    return await _deliver(self, *message, extra=attributes, **more)


wire_server.FakeWA.deliver = _with_addresses
runpy.run_path(str(home / "serve.py"), run_name="__main__")
