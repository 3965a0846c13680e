"""The company's numbers, and how they are linked."""

from typing import Any

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import button
from saasbot.components.channel_card import CardActions, channel_card
from saasbot.components.channel_details import channel_details
from saasbot.components.channel_settings import channel_settings
from saasbot.components.dialogs import confirm, dialog
from saasbot.components.forms import field, text_field
from saasbot.components.i18n import t
from saasbot.components.shell import page_body, page_header
from saasbot.components.states import empty_state, skeleton
from saasbot.pages.frame import frame
from saasbot.pages.pairing import kind_choice, pairing
from saasbot.pages.registry import page
from saasbot.state.channel_details import ChannelDetailsState
from saasbot.state.channel_settings import ChannelSettingsState
from saasbot.state.channels import ChannelsState
from saasbot.state.session import SessionState

MAY_WRITE = SessionState.permissions.contains("channels.write")

ACTIONS = CardActions(
    details=ChannelDetailsState.open_details,
    settings=ChannelSettingsState.open_settings,
    connect=ChannelsState.connect_number,
    stop=ChannelsState.stop_number,
    switch_bot=ChannelsState.switch_bot,
    choose_bot=ChannelsState.choose_bot,
    logout=ChannelsState.ask_logout,
    delete=ChannelsState.ask_delete,
)


@page(
    routes.CHANNELS,
    title=t("Numbers"),
    on_load=[ChannelsState.load, ChannelDetailsState.close, ChannelSettingsState.close],
    states=[ChannelsState, ChannelDetailsState, ChannelSettingsState],
)
def channels() -> rx.Component:
    return frame(
        page_header(
            t("Numbers"),
            t("The WhatsApp numbers that the bot and your team answer"),
            rx.cond(MAY_WRITE, _add(id="channel-add")),
        ),
        page_body(
            rx.cond(
                ChannelsState.loaded,
                rx.cond(
                    ChannelsState.rows.length() > 0,
                    rx.el.div(
                        rx.foreach(
                            ChannelsState.rows,
                            lambda row, index: channel_card(
                                row,
                                ChannelsState.bots,
                                ACTIONS,
                                may_write=MAY_WRITE,
                                is_newest=index == ChannelsState.rows.length() - 1,
                            ),
                        ),
                        class_name="cards",
                    ),
                    empty_state(
                        "smartphone",
                        t("Link your first number"),
                        t("Your customers keep writing to the number they know. The bot and your team answer here."),
                        rx.cond(MAY_WRITE, _add()),
                    ),
                ),
                skeleton("cards"),
            )
        ),
        _add_dialog(),
        pairing(),
        channel_details(
            ChannelDetailsState.name,
            ChannelDetailsState.facts,
            ChannelDetailsState.changes,
            open=ChannelDetailsState.channel_id != "",
            loaded=ChannelDetailsState.loaded,
            more=ChannelDetailsState.more,
            on_more=ChannelDetailsState.show_more,
            on_open_change=ChannelDetailsState.close,
        ),
        channel_settings(
            ChannelSettingsState.name,
            ChannelSettingsState.view,
            ChannelSettingsState.errors,
            number=ChannelSettingsState.number,
            open=ChannelSettingsState.channel_id != "",
            busy=ChannelSettingsState.busy,
            on_open_change=ChannelSettingsState.close,
            on_save=ChannelSettingsState.save,
        ),
        confirm(
            rx.cond(
                ChannelsState.deleting,
                t("Delete {name}?", name=ChannelsState.ending_name),
                t("Log out {name}?", name=ChannelsState.ending_name),
            ),
            rx.cond(
                ChannelsState.deleting,
                t(
                    "The number leaves this list; its chats stay readable. Unless it is connected now, also remove the device "
                    "on the phone, under Linked devices."
                ),
                t(
                    "Chats and settings stay; you can link it again. Unless it is connected now, also remove the device on the "
                    "phone, under Linked devices."
                ),
            ),
            open=ChannelsState.ending_id != "",
            confirm_label=rx.cond(ChannelsState.deleting, t("Delete"), t("Log out")),
            on_confirm=ChannelsState.end,
            on_cancel=ChannelsState.cancel_ending,
        ),
        active=routes.CHANNELS,
    )


def _add(**props: Any) -> rx.Component:
    return button(t("Add number"), kind="primary", icon="plus", on_click=ChannelsState.open_add, **props)


def _add_dialog() -> rx.Component:
    return dialog(
        t("Add number"),
        rx.el.form(
            text_field(
                t("Name"),
                id="channel-name",
                name="channel_name",
                help=t("For your team: the shop, the branch, the department."),
                error=ChannelsState.name_error,
                max_length=80,
                auto_focus=True,
            ),
            kind_choice(),
            rx.cond(
                ChannelsState.bots.length() > 1,
                field(
                    t("Bot"),
                    rx.el.select(
                        rx.foreach(ChannelsState.bots, lambda bot: rx.el.option(bot.name, value=bot.id)),
                        id="channel-bot",
                        name="channel_bot",
                        class_name="input",
                    ),
                    id="channel-bot",
                ),
            ),
            rx.el.div(
                button(t("Add and link"), kind="primary", type="submit", id="channel-save"), class_name="form-actions"
            ),
            on_submit=ChannelsState.add,
            class_name="form",
        ),
        open=ChannelsState.adding,
        on_open_change=ChannelsState.set_adding,
        width=480,
    )
