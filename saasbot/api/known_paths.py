"""What is at an address at all: pages, built files, and what the HTTP application serves. The rest is answered from memory."""

import re
from pathlib import Path

from fastapi.routing import iter_route_contexts

from saasbot import routes
from saasbot.api.app import api


class KnownPaths:
    """Read once: pages from `routes`, files from the build, everything else from the application's own registry."""

    def __init__(self, built: Path) -> None:
        served = [str(found.path) for found in iter_route_contexts(api.routes) if found.path]
        pages = [path for name, path in vars(routes).items() if name.isupper() and str(path).startswith("/")]
        fixed = [path for path in (*served, *pages) if not _is_pattern(path)]
        self._exact = frozenset([*fixed, *(f"{page}/" for page in routes.PAGES), *_files(built)])
        self._begins = tuple({path[: path.index("{")] for path in served if "{" in path})
        self._with_ids = [re.compile(re.sub(r"\[\w+\]", "[^/]+", path) + "/?") for path in pages if "[" in path]
        not_found = built / "404.html"
        self.not_found_page = not_found.read_bytes() if not_found.is_file() else b""

    def know(self, path: str) -> bool:
        return (
            path in self._exact
            or path.startswith(self._begins)
            or any(pattern.fullmatch(path) for pattern in self._with_ids)
        )


def _is_pattern(path: str) -> bool:
    return "{" in path or "[" in path


def _files(built: Path) -> list[str]:
    return [f"/{file.relative_to(built).as_posix()}" for file in built.rglob("*") if file.is_file()]
