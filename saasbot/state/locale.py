"""The reader's language on the server, for the texts that handlers send."""

from collections import OrderedDict
from http.cookies import CookieError, SimpleCookie

import reflex as rx
from reflex.state import OnLoadInternalState

from saasbot.infra.i18n import COOKIE, DEFAULT, SUPPORTED, LocaleName, negotiate, supported
from saasbot.state.arguments import Word


class LocaleState(rx.State):
    """What the person chose in this tab since its socket opened; the socket's cookie does not change with it."""

    _chosen: str = ""

    @rx.event
    async def choose(self, lang: Word):
        """From now on this tab's server texts are in `lang`; the page's are already (components/i18n.js).

        Runs the page's load handlers again, so that what they formatted (money, times) changes language too.
        """
        if lang not in SUPPORTED:
            return None
        self._chosen = lang
        return OnLoadInternalState.on_load_internal


_TABS_REMEMBERED = 5_000
_tab_locales: OrderedDict[str, LocaleName] = OrderedDict()


def remember_locale(tab: str, locale: LocaleName) -> None:
    """For those who speak to a tab (its client token) without its state at hand."""
    _tab_locales[tab] = locale
    _tab_locales.move_to_end(tab)
    while len(_tab_locales) > _TABS_REMEMBERED:
        _tab_locales.popitem(last=False)


def remembered_locale(tab: str) -> LocaleName:
    return _tab_locales.get(tab, DEFAULT)


async def locale_of(state: rx.State) -> LocaleName:
    """The language to write to this tab in."""
    chosen = (await state.get_state(LocaleState))._chosen
    if chosen:
        return supported(chosen)
    headers = state.router.headers
    return negotiate(_cookie(headers.cookie), headers.accept_language)


def _cookie(header: str) -> str | None:
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None
