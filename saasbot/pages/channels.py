"""The company's numbers, and how they are linked."""

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import button
from saasbot.components.channel_card import CardActions, channel_card
from saasbot.components.dialogs import confirm, dialog
from saasbot.components.forms import field, text_field
from saasbot.components.i18n import t
from saasbot.components.pairing import pairing_dialog
from saasbot.components.shell import page_body, page_header
from saasbot.components.states import empty_state, skeleton
from saasbot.infra.settings import settings
from saasbot.pages.frame import frame
from saasbot.pages.registry import page
from saasbot.state.channels import ChannelsState

ACTIONS = CardActions(
    connect=ChannelsState.connect_number,
    stop=ChannelsState.stop_number,
    switch_bot=ChannelsState.switch_bot,
    choose_bot=ChannelsState.choose_bot,
    logout=ChannelsState.ask_logout,
    delete=ChannelsState.ask_delete,
)


@page(routes.CHANNELS, title=t("Numbers"), on_load=[ChannelsState.load])
def channels() -> rx.Component:
    add = button(t("Add number"), kind="primary", icon="plus", id="channel-add", on_click=ChannelsState.open_add)
    return frame(
        page_header(t("Numbers"), t("The WhatsApp numbers that the bot and your team answer"), add),
        page_body(
            rx.cond(
                ChannelsState.loaded,
                rx.cond(
                    ChannelsState.rows.length() > 0,
                    rx.el.div(
                        rx.foreach(
                            ChannelsState.rows,
                            lambda row, index: channel_card(row, index, ChannelsState.bots, ACTIONS),
                        ),
                        class_name="cards",
                    ),
                    empty_state(
                        "smartphone",
                        t("Link your first number"),
                        t("Your customers keep writing to the number they know. The bot and your team answer here."),
                        button(t("Add number"), kind="primary", icon="plus", on_click=ChannelsState.open_add),
                    ),
                ),
                skeleton("cards"),
            )
        ),
        _add_dialog(),
        pairing_dialog(
            ChannelsState.pairing,
            name=ChannelsState.pairing_name,
            open=ChannelsState.pairing_id != "",
            with_code=ChannelsState.with_code,
            phone_error=ChannelsState.phone_error,
            on_open_change=ChannelsState.close_pairing,
            on_qr=ChannelsState.new_code,
            on_code_tab=ChannelsState.show_code_form,
            on_phone=ChannelsState.pair_by_phone,
        ),
        confirm(
            rx.cond(
                ChannelsState.deleting,
                t("Delete {name}?", name=ChannelsState.ending_name),
                t("Log out {name}?", name=ChannelsState.ending_name),
            ),
            rx.cond(
                ChannelsState.deleting,
                t("The number is unlinked from the phone and leaves this list. Its chats stay readable."),
                t("The phone no longer lists this device. Chats and settings stay; you can link it again."),
            ),
            open=ChannelsState.ending_id != "",
            confirm_label=rx.cond(ChannelsState.deleting, t("Delete"), t("Log out")),
            on_confirm=ChannelsState.end,
            on_cancel=ChannelsState.cancel_ending,
        ),
        active=routes.CHANNELS,
    )


def _add_dialog() -> rx.Component:
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
    return dialog(
        t("Add number"),
        rx.el.form(
            text_field(
                t("Name"),
                id="channel-name",
                name="name",
                help=t("For your team: the shop, the branch, the department."),
                error=ChannelsState.name_error,
                max_length=80,
                auto_focus=True,
            ),
            rx.el.fieldset(rx.el.legend(t("Kind"), class_name="field-label"), *kinds, class_name="choices"),
            rx.cond(
                ChannelsState.bots.length() > 1,
                field(
                    t("Bot"),
                    rx.el.select(
                        rx.foreach(ChannelsState.bots, lambda bot: rx.el.option(bot.name, value=bot.id)),
                        id="channel-bot",
                        name="bot_id",
                        class_name="input",
                    ),
                    id="channel-bot",
                ),
            ),
            rx.el.div(
                button(t("Add and link"), kind="primary", type="submit", id="channel-save"), class_name="form-actions"
            ),
            on_submit=ChannelsState.add,
        ),
        open=ChannelsState.adding,
        on_open_change=ChannelsState.set_adding,
        width=480,
    )
