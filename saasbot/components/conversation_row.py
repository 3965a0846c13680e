"""A row of the list: who, what they said last, when, who answers."""

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

from saasbot import routes
from saasbot.components.avatar import avatar, bot_mark, group_mark, person_mark
from saasbot.components.i18n import t
from saasbot.components.icons import icon


@rx.memo
def conversation_row(
    id: rx.Var[str],
    person: rx.Var[str],
    name: rx.Var[str],
    preview: rx.Var[str],
    when: rx.Var[str],
    full: rx.Var[str],
    channel: rx.Var[str],
    taken_by: rx.Var[str],
    unread: rx.Var[int],
    bot: rx.Var[bool],
    failed: rx.Var[bool],
    group: rx.Var[bool],
    typing: rx.Var[bool],
    selected: rx.Var[bool],
) -> rx.Component:
    """64 px. Every value is a plain one, so that only rows that changed are drawn again."""
    count = unread.to(int)
    return ReactRouterLink.create(
        avatar(name, key=person, mark=_mark(bot, group, taken_by)),
        rx.el.span(
            rx.el.span(name, class_name="chat-name", dir="auto"),
            rx.cond(
                typing,
                rx.el.span(t("typing…"), class_name="chat-preview chat-typing"),
                rx.el.span(
                    rx.cond(failed, icon("circle-alert", 13, label=t("Not sent"))),
                    preview,
                    class_name="chat-preview",
                    dir="auto",
                ),
            ),
            class_name="chat-text",
        ),
        rx.el.span(
            rx.el.time(when, title=full),
            rx.cond(
                count > 0,
                rx.el.span(
                    rx.cond(count > 99, "99+", count.to_string()),
                    rx.el.span(" ", t("unread"), class_name="visually-hidden"),
                    class_name="badge",
                ),
            ),
            class_name="chat-side",
        ),
        rx.el.span(_handler(bot, group, taken_by), class_name="visually-hidden"),
        to=f"{routes.INBOX}/{id}",
        class_name=rx.cond(count > 0, "chat chat-unread", "chat"),
        title=channel,
        custom_attrs={
            "data-testid": "conversation-row",
            "data-conversation-id": id,
            "data-unread": count.to_string(),
            "aria-current": rx.cond(selected, "page", rx.Var("undefined")),
        },
    )


def _mark(bot: rx.Var[bool], group: rx.Var[bool], taken_by: rx.Var[str]) -> rx.Component | rx.Var:
    return rx.cond(bot, bot_mark(), rx.cond(group, group_mark(), rx.cond(taken_by != "", person_mark(taken_by))))


def _handler(bot: rx.Var[bool], group: rx.Var[bool], taken_by: rx.Var[str]) -> rx.Var[str]:
    return rx.cond(
        bot,
        t("The bot answers"),
        rx.cond(
            group,
            t("Group"),
            rx.cond(taken_by != "", t("{name} answers", name=taken_by), t("Waits for a person")),
        ),
    ).to(str)
