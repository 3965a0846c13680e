"""Named points on the message path where a test can kill the process (SAASBOT_FAILPOINT=name[:nth]). Never in production."""

import os
import signal

_NAME, _, _NTH = os.environ.get("SAASBOT_FAILPOINT", "").partition(":")
_armed = bool(_NAME) and os.environ.get("SAASBOT_ENV", "development") != "production"
_left = int(_NTH or 1)


def reach(name: str) -> None:
    """Dies here by SIGKILL, as by a power cut, when the test asked for this point."""
    global _left
    if _armed and name == _NAME:
        _left -= 1
        if _left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
