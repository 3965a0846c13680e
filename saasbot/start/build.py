"""Compile the pages and build their JavaScript: a program of its own, because a compiled app cannot be served as well."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reflex.utils import prerequisites
from reflex.utils.export import export
from reflex_base import constants
from reflex_base.environment import environment

from saasbot.start.same_origin import PLACEHOLDER


def main() -> None:
    """Afterwards `.web/build/client` holds the pages.

    What `reflex export` does, without its `init`: that one would add lines to `.gitignore`.
    """
    environment.REFLEX_COMPILE_CONTEXT.set(constants.CompileContext.EXPORT)
    with _unchanged_in_meaning(Path("reflex.lock/package.json"), Path("reflex.lock/package-lock.json")):
        if prerequisites.needs_reinit():
            prerequisites.initialize_reflex_user_directory()
            prerequisites.initialize_frontend_dependencies()
        export(zipping=False, backend=False, zip_dest_dir=str(Path.cwd()), api_url=PLACEHOLDER)


@contextmanager
def _unchanged_in_meaning(*files: Path) -> Iterator[None]:
    """Put back files that changed in their spaces or the order of keys only: a start leaves a checkout clean."""
    before = {file: file.read_text() for file in files if file.exists()}
    yield
    for file, text in before.items():
        if file.read_text() != text and json.loads(file.read_text()) == json.loads(text):
            file.write_text(text)


if __name__ == "__main__":
    main()
