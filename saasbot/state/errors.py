"""What a person sees when a handler raises: the sentence of an `AppError`, in their language; anything else is logged."""

import re

import reflex as rx
from reflex.event import EventSpec
from reflex_base.event.context import EventContext

from saasbot import routes
from saasbot.infra.db import UNAVAILABLE
from saasbot.infra.errors import AppError, DatabaseUnavailable
from saasbot.infra.i18n import error_text, gettext
from saasbot.infra.logging import get_logger
from saasbot.state import toasts
from saasbot.state.locale import remembered_locale
from saasbot.state.one_person import TabChanged
from saasbot.state.session import NotSignedIn

log = get_logger(__name__)

_READ = 8_000
"""Characters of a browser's report."""
_PLACES = 10
_KIND = re.compile(r"\b(?:[A-Z][a-zA-Z]{0,20}Error|Minified React error #\d{1,4})\b")
_PLACE = re.compile(r"/assets/([\w.-]{1,80}\.js:\d{1,7}:\d{1,7})")


def show_error(exception: Exception) -> EventSpec | None:
    """Reflex's backend exception handler. It runs outside the handler's task, so the language comes by the tab's token."""
    if isinstance(exception, TabChanged):
        return None
    locale = remembered_locale(EventContext.get().token)
    if isinstance(exception, NotSignedIn):
        return rx.redirect(routes.LOGIN)
    if isinstance(exception, AppError):
        return toasts.error(error_text(locale, exception))
    if isinstance(exception, UNAVAILABLE):
        log.warning("state.database_unavailable", error=str(exception).split("\n")[0])
        return toasts.error(error_text(locale, DatabaseUnavailable()))
    log.error("state.handler_failed", exc_info=exception)
    return toasts.error(gettext(locale, "Something went wrong on our side. It was logged."))


def log_frontend_error(exception: Exception) -> None:
    """Reflex's frontend exception handler. A browser's report is a hint to us: the kind of the error and the places in our
    scripts. Its sentence may hold what stood on the page, a customer's words, or whatever somebody chose to send."""
    report = str(exception)[:_READ]
    log.warning(
        "state.browser_reported",
        kind=(found := _KIND.search(report)) and found.group(),
        places=_PLACE.findall(report)[:_PLACES],
        characters=len(str(exception)),
    )
