"""WhatsApp refuses clients that are too old: which one a number ran when it was refused."""

from importlib.metadata import version

CLIENT_OUTDATED = "client_outdated"


def client_version() -> str:
    """Of the library with which this installation speaks to WhatsApp."""
    return version("neonize")
