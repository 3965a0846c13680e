"""File names as strangers give them, made fit to be shown and to be saved under."""

import re
import unicodedata

_MAX = 120
_DANGEROUS = re.compile(r'[\\/:*?"<>|]+')


def clean_file_name(name: str | None, *, suffix: str | None = None) -> str | None:
    """The last part of the name without control characters, text-direction tricks and what systems refuse in names.

    `suffix` replaces the name's own, for a file that was encoded anew. Nothing when no name is left.
    """
    if not name:
        return None
    visible = "".join(" " if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp", "Cs"} else char for char in name)
    last = re.split(r"[\\/]", visible)[-1]
    plain = " ".join(_DANGEROUS.sub(" ", last).split()).strip(". ")
    stem, dot, own = plain.rpartition(".")
    if not dot:
        stem, own = plain, ""
    ending = suffix if suffix is not None else own[:10]
    if not stem:
        return None
    return f"{stem[: _MAX - len(ending) - 1]}.{ending}" if ending else stem[:_MAX]
