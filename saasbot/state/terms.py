"""The terms of use as their page shows them: the same for everybody, so they are part of the page and no state."""

from saasbot.domain.consent.terms_of_use import CURRENT, blocks, terms_text

VERSION = CURRENT


def terms_in(locale: str) -> list[tuple[str, str]]:
    """(kind, text) of each part, in order: heading, paragraph, item; the first is the title."""
    return [(block.kind, block.text) for block in blocks(terms_text(locale))]
