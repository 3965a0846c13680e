"""What is at an address at all: pages, built files, and what the HTTP application serves. The rest is answered from memory."""

from pathlib import Path

from fastapi.routing import iter_route_contexts

from saasbot.api.app import api
from saasbot.api.built_pages import BuiltPages


class KnownPaths:
    """Read once: files from the build, everything else from the application's own registry."""

    def __init__(self, built: Path, pages: BuiltPages) -> None:
        served = [str(found.path) for found in iter_route_contexts(api.routes) if found.path]
        self._pages = pages
        self._exact = frozenset([*(path for path in served if "{" not in path), *_files(built)])
        self._begins = tuple({path[: path.index("{")] for path in served if "{" in path})

    def know(self, path: str) -> bool:
        return path in self._exact or path.startswith(self._begins) or self._pages.know(path)


def _files(built: Path) -> list[str]:
    """All but pages, which are at their addresses and not at their files'."""
    files = (file for file in built.rglob("*") if file.is_file() and ".html" not in file.suffixes)
    return [f"/{file.relative_to(built).as_posix()}" for file in files]
