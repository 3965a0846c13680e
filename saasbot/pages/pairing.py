"""The pairing dialog bound to the numbers' state, and the kinds of numbers: for every page that adds one."""

import reflex as rx

from saasbot.components.i18n import t
from saasbot.components.pairing import pairing_dialog
from saasbot.infra.settings import settings
from saasbot.state.channels import ChannelsState


def pairing() -> rx.Component:
    """On screen while a number of this company is being linked."""
    return pairing_dialog(
        ChannelsState.pairing,
        name=ChannelsState.pairing_name,
        open=ChannelsState.pairing_id != "",
        with_code=ChannelsState.with_code,
        phone_error=ChannelsState.phone_error,
        on_open_change=ChannelsState.close_pairing,
        on_qr=ChannelsState.new_code,
        on_other=ChannelsState.link_any_phone,
        on_code_tab=ChannelsState.show_code_form,
        on_phone=ChannelsState.pair_by_phone,
        on_history=ChannelsState.choose_history,
    )


def kind_choice() -> rx.Component:
    """WhatsApp, or where it is on the simulator. The form's field is `kind`."""
    kinds = [
        rx.el.label(
            rx.el.input(type="radio", name="kind", value="whatsapp", default_checked=True),
            rx.el.span(rx.el.b(t("WhatsApp")), rx.el.span(t("A number on a real phone"))),
            class_name="choice",
        )
    ]
    if settings().simulator:
        kinds.append(
            rx.el.label(
                rx.el.input(type="radio", name="kind", value="simulator"),
                rx.el.span(rx.el.b(t("Simulator")), rx.el.span(t("Try everything with a phone on screen"))),
                class_name="choice",
            )
        )
    return rx.el.fieldset(rx.el.legend(t("Kind"), class_name="field-label"), *kinds, class_name="choices")
