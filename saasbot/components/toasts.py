"""Where toasts appear. They are sent by `saasbot.state.toasts`."""

import reflex as rx

from saasbot.components.i18n import t


def toaster() -> rx.Component:
    """Bottom right, one line each, at most three; the newest in front."""
    return rx.toast.provider(
        rich_colors=False,
        expand=False,
        visible_toasts=3,
        position="bottom-right",
        gap=8,
        offset="16px",
        custom_attrs={"containerAriaLabel": t("Messages")},
    )
