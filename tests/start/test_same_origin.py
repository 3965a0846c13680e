"""Built scripts name no server: they talk to the origin they came from."""

from pathlib import Path

import pytest

from saasbot.start.same_origin import PLACEHOLDER, SameOriginPlugin, with_own_origin


@pytest.mark.parametrize("quote", ['"', "'", "`"])
def test_addresses_become_expressions_of_the_pages_origin(quote: str) -> None:
    script = f"x={{EVENT:{quote}ws://same-origin.invalid/_event{quote},PING:{quote}{PLACEHOLDER}/ping{quote}}}"
    assert with_own_origin(script) == (
        'x={EVENT:(location.origin.replace(/^http/,"ws")+"/_event"),PING:(location.origin+"/ping")}'
    )


def test_other_addresses_stay() -> None:
    script = 'fetch("https://example.com/ws://x")'
    assert with_own_origin(script) == script


def test_an_address_in_an_unknown_form_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "page.js").write_text('x="see http://same-origin.invalid/ping for more"')
    with pytest.raises(RuntimeError, match="unknown form"):
        SameOriginPlugin().post_build(static_dir=tmp_path)
