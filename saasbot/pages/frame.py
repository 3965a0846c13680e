"""The shell bound to the states that feed it, for every signed-in page."""

from collections.abc import Sequence

import reflex as rx

from saasbot.components.banners import banner_line
from saasbot.components.keyboard import ShortcutRow
from saasbot.components.shell import Shell, shell
from saasbot.infra.settings import settings
from saasbot.state.auth import AuthState
from saasbot.state.companies import CompaniesState
from saasbot.state.locale import LocaleState
from saasbot.state.shell import ShellState


def frame(
    *content: rx.Component,
    active: str,
    banner: rx.Component | None = None,
    shortcuts: Sequence[ShortcutRow] = (),
) -> rx.Component:
    """`content` (a `page_header`, then the rest) in the shell; see `components.shell.shell`."""
    urgent = rx.foreach(
        ShellState.banners[:2], lambda row: banner_line(row, on_act=ShellState.act, on_dismiss=ShellState.dismiss)
    )
    lines = rx.fragment(urgent, banner) if banner is not None else rx.fragment(urgent)
    return shell(*content, data=shell_data(), active=active, banner=lines, shortcuts=shortcuts)


def shell_data() -> Shell:
    """What the shell shows, from the states."""
    return Shell(
        user_name=ShellState.user_name,
        user_email=ShellState.user_email,
        company_name=ShellState.company_name,
        unread=ShellState.unread,
        numbers_tone=ShellState.numbers_tone,
        companies=CompaniesState.rows,
        on_menu=CompaniesState.read,
        on_company=CompaniesState.enter,
        on_locale=LocaleState.choose,
        on_logout=AuthState.sign_out,
        simulator=settings().simulator,
    )
