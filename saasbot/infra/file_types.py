"""What a file really is, by its bytes, and how a browser may be given it. Names and declared types are not believed."""

import os
from dataclasses import dataclass
from threading import Lock
from typing import Any


def _libmagic() -> Any:
    """libmagic from its wheel, whose import leaves library paths in the environment that no child should inherit."""
    before = {name: os.environ.get(name) for name in ("LD_LIBRARY_PATH", "LIBRARY_PATH", "DYLD_LIBRARY_PATH", "MAGIC")}
    import pylibmagic  # noqa: F401, I001  # tells the loader where the library and its database are: must come first
    import magic

    loaded = magic.Magic(mime=True)
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return loaded


@dataclass(frozen=True, slots=True)
class FileType:
    mime: str
    suffix: str
    inline: bool = False
    """Whether a browser may show or play it on our origin. Only types that cannot carry a program."""


UNKNOWN = FileType("application/octet-stream", "bin")

_TYPES = {
    "image/jpeg": FileType("image/jpeg", "jpg", inline=True),
    "image/png": FileType("image/png", "png", inline=True),
    "image/webp": FileType("image/webp", "webp", inline=True),
    "audio/ogg": FileType("audio/ogg", "ogg", inline=True),
    "audio/mpeg": FileType("audio/mpeg", "mp3", inline=True),
    "audio/mp4": FileType("audio/mp4", "m4a", inline=True),
    "audio/aac": FileType("audio/aac", "aac", inline=True),
    "audio/wav": FileType("audio/wav", "wav", inline=True),
    "audio/amr": FileType("audio/amr", "amr", inline=True),
    "video/mp4": FileType("video/mp4", "mp4"),
    "video/3gpp": FileType("video/3gpp", "3gp"),
    "video/webm": FileType("video/webm", "webm"),
    "application/pdf": FileType("application/pdf", "pdf"),
}
_ALIASES = {
    "application/ogg": "audio/ogg",
    "audio/mp3": "audio/mpeg",
    "audio/x-m4a": "audio/mp4",
    "audio/x-hx-aac-adts": "audio/aac",
    "audio/x-aac": "audio/aac",
    "audio/x-wav": "audio/wav",
    "audio/AMR": "audio/amr",
    "video/x-m4v": "video/mp4",
    "video/quicktime": "video/mp4",
}
_BY_SUFFIX = {known.suffix: known for known in _TYPES.values()}
_SNIFFED_BYTES = 64 * 1024

_magic = _libmagic()
_lock = Lock()


def sniff(content: bytes) -> str:
    """The MIME type that the bytes themselves show."""
    with _lock:
        found = str(_magic.from_buffer(content[:_SNIFFED_BYTES])) if content else "application/x-empty"
    return _ALIASES.get(found, found)


def type_of(mime: str) -> FileType:
    """How to store and serve a sniffed type: `UNKNOWN` for whatever is not on the short list."""
    return _TYPES.get(_ALIASES.get(mime, mime), UNKNOWN)


def type_of_key(key: str) -> FileType:
    """The same, read from the suffix that a storage key was given."""
    return _BY_SUFFIX.get(key.rpartition(".")[2], UNKNOWN)
