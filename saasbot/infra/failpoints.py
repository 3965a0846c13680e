"""Named points on the message path where a test can kill the process. Never in production.

`SAASBOT_FAILPOINT=name[:nth]` arms one; with `SAASBOT_FAILPOINT_SPENT=file` it fires once in all, so that the process that is
started in its place lives.
"""

import os
import signal
from pathlib import Path

_NAME, _, _NTH = os.environ.get("SAASBOT_FAILPOINT", "").partition(":")
_spent = Path(os.environ["SAASBOT_FAILPOINT_SPENT"]) if "SAASBOT_FAILPOINT_SPENT" in os.environ else None
_armed = bool(_NAME) and os.environ.get("SAASBOT_ENV", "development") != "production"
_left = int(_NTH or 1)


def reach(name: str) -> None:
    """Dies here by SIGKILL, as by a power cut, when the test asked for this point."""
    global _left
    if not _armed or name != _NAME or (_spent is not None and _spent.exists()):
        return
    _left -= 1
    if _left > 0:
        return
    if _spent is not None:
        _spent.touch()
    os.kill(os.getpid(), signal.SIGKILL)
