"""The terms of use and the privacy notice, for everybody."""

import reflex as rx

from saasbot import routes
from saasbot.components.auth_layout import auth_layout
from saasbot.components.consent import prose
from saasbot.components.i18n import LANG, t
from saasbot.pages.registry import page
from saasbot.state.locale import LocaleState
from saasbot.state.terms import VERSION, terms_in


@page(routes.TERMS, title=t("Terms of use"))
def terms() -> rx.Component:
    return auth_layout(
        t("Terms of use and privacy notice"),
        t("Version {version}", version=VERSION),
        rx.cond(LANG == "en", prose(terms_in("en")), prose(terms_in("es"))),
        on_locale=LocaleState.choose,
    )
