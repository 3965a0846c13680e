"""One build for every address: the pages talk to the origin they came from.

Reflex writes the server's address into the JavaScript, so another port or host would need another build. We build for a
placeholder and then let the browser fill in its own origin.
"""

import re
from pathlib import Path
from typing import Any

from reflex.plugins import Plugin

PLACEHOLDER = "http://same-origin.invalid"
_ADDRESS = re.compile(r"""(["'`])(http|ws)://same-origin\.invalid(/[^"'`]*)\1""")
_ORIGIN = {"http": "location.origin", "ws": 'location.origin.replace(/^http/,"ws")'}


class SameOriginPlugin(Plugin):
    """Rewrites the placeholder in the built scripts, before Reflex compresses them."""

    def post_build(self, **context: Any) -> None:
        """Afterwards no script holds the placeholder.

        Raises:
            RuntimeError: the build writes addresses in a form unknown here.
        """
        for script in Path(context["static_dir"]).rglob("*.js"):
            text = script.read_text()
            if "same-origin.invalid" not in text:
                continue
            text = with_own_origin(text)
            if "same-origin.invalid" in text:
                raise RuntimeError(f"{script} holds the server's address in an unknown form")
            script.write_text(text)


def with_own_origin(script: str) -> str:
    """The script with every placeholder address replaced by an expression of the page's own origin."""
    return _ADDRESS.sub(lambda found: f'({_ORIGIN[found[2]]}+"{found[3]}")', script)
