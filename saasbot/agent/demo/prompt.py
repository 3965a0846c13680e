"""The few instructions of a prompt that the demo model follows, so that a changed prompt shows in the next answer.

- `Firma: …` / `Sign: …` (also "Termina … con …", "End … with …"): every answer ends with it.
- `Saluda con: …` / `Greet with: …`: the first answer of a conversation and answers to a greeting begin with it.

Each stands at the start of a line; a leading dash and quotation marks around the text do not count.
"""

import re
from dataclasses import dataclass

_LINE = r"^[ \t]*(?:[-*•][ \t]*)?(?:{words})[ \t]*:?[ \t]*[\"“«']?(?P<text>[^\n]+?)[\"”»']?[ \t]*$"
_SIGN = re.compile(
    _LINE.format(words=r"firma(?=:)|sign(?=:)|termina\b[^:\n\"“«]*?\bcon\b|end\b[^:\n\"“«]*?\bwith\b"), re.I | re.M
)
_GREET = re.compile(_LINE.format(words=r"saluda(?: siempre)? con\b|greet(?: always)? with\b"), re.I | re.M)


@dataclass(frozen=True, slots=True)
class PromptStyle:
    greeting: str = ""
    signature: str = ""


def read_style(system_text: str) -> PromptStyle:
    """The last of each kind counts: the company's prompt comes after the platform's rules."""
    return PromptStyle(_last(_GREET, system_text), _last(_SIGN, system_text))


def _last(pattern: re.Pattern[str], text: str) -> str:
    found = [match["text"].strip() for match in pattern.finditer(text)]
    return found[-1] if found else ""
