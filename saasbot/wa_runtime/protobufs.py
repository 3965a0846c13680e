"""neonize's protobuf classes without its Go library: what the journal's readers and the simulator need.

`import neonize` loads a shared library of 19 MB that starts a Go runtime and catches signals; only bridge and pairing
processes may hold it. Here the package gets a bare module in its place, so that its submodules import as always (also
`neonize.aioze.client`, in the processes that do want the library) while the package's own `__init__` never runs.
"""

import importlib.util
import sys
from types import ModuleType


def _without_init(package: str) -> None:
    if package in sys.modules:
        return
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"{package} is not installed", name=package)
    module = ModuleType(package)
    module.__spec__ = spec
    module.__path__ = list(spec.submodule_search_locations)
    sys.modules[package] = module


_without_init("neonize")

from neonize.proto import Neonize_pb2 as events  # noqa: E402 - only now is the package safe to enter
from neonize.proto.waCommon.WACommon_pb2 import MessageKey  # noqa: E402
from neonize.proto.waE2E import WAWebProtobufsE2E_pb2 as e2e  # noqa: E402
from neonize.proto.waHistorySync import WAWebProtobufsHistorySync_pb2 as history  # noqa: E402
from neonize.proto.waWeb.WAWebProtobufsWeb_pb2 import WebMessageInfo as WebMessage  # noqa: E402

HISTORY = 13
MESSAGE = 17
RECEIPT = 18
CHAT_PRESENCE = 19
CALL_OFFER = 36
CALL_TERMINATE = 42
UNDECRYPTABLE = 44
"""neonize's codes of the events that the journal and the inbox know (`neonize.events.EVENT_TO_INT`)."""

__all__ = [
    "CALL_OFFER",
    "CALL_TERMINATE",
    "CHAT_PRESENCE",
    "HISTORY",
    "MESSAGE",
    "RECEIPT",
    "UNDECRYPTABLE",
    "MessageKey",
    "WebMessage",
    "e2e",
    "events",
    "history",
]
