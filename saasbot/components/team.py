"""The team in the settings: a row for each person and each invitation, and the form that invites."""

from typing import Any

import reflex as rx

from saasbot.components.avatar import avatar
from saasbot.components.buttons import icon_button
from saasbot.components.chips import chip
from saasbot.components.forms import field, select, submit_button, text_field
from saasbot.components.i18n import pick, t
from saasbot.components.icons import icon
from saasbot.components.states import notice
from saasbot.components.types import Flag, Handler, Text


def role_name(role: Text) -> rx.Var[str]:
    return pick(role, ("owner", t("Owner")), ("admin", t("Administrator")), t("Agent"))


def member_list(
    rows: rx.vars.ArrayVar[Any], *, gives_roles: Flag, on_role: Handler, on_switch: Handler, on_remove: Handler
) -> rx.Component:
    """`rows` are MemberRows. `on_role(id, role)`, `on_switch(id, enabled)`, `on_remove(id)`."""
    return rx.el.ul(
        rx.foreach(rows, lambda row: _member(row, gives_roles, on_role, on_switch, on_remove)), class_name="team"
    )


def invitation_list(rows: rx.vars.ArrayVar[Any], *, on_again: Handler, on_withdraw: Handler) -> rx.Component:
    """`rows` are InvitationRows. `on_again(email, role)`, `on_withdraw(id)`."""
    return rx.cond(
        rows.length() > 0,
        rx.el.div(
            rx.el.h3(t("Invited"), class_name="team-title"),
            rx.el.ul(rx.foreach(rows, lambda row: _invitation(row, on_again, on_withdraw)), class_name="team"),
        ),
        rx.el.p(t("Nobody is invited right now. Whoever you invite gets a link by mail."), class_name="team-empty"),
    )


def invite_form(*, may_invite: Flag, gives_roles: Flag, error: Text, busy: Flag, on_submit: Handler) -> rx.Component:
    """Names of the fields: invite_email, invite_role."""
    roles: list[tuple[str, Text]] = [("agent", t("Agent")), ("admin", t("Administrator")), ("owner", t("Owner"))]
    return rx.cond(
        may_invite,
        rx.el.form(
            text_field(
                t("Invite somebody"),
                id="invite_email",
                type="email",
                error=error,
                placeholder="ana@empresa.com",
                auto_complete="off",
                max_length=254,
            ),
            rx.el.div(
                field(
                    t("Role"),
                    rx.cond(
                        gives_roles,
                        select(roles, id="invite_role", default_value="agent"),
                        select(roles[:1], id="invite_role", default_value="agent"),
                    ),
                    id="invite_role",
                ),
                submit_button(t("Invite"), id="invite-submit", busy=busy),
                class_name="invite-line",
            ),
            on_submit=on_submit,
            id="invite-form",
            no_validate=True,
            class_name="form invite-form",
        ),
        rx.el.div(
            notice("mail-warning", t("Confirm your email first, then you can invite your team.")),
            class_name="invite-form",
        ),
    )


def _member(
    row: rx.vars.ObjectVar[Any], gives_roles: Flag, on_role: Handler, on_switch: Handler, on_remove: Handler
) -> rx.Component:
    return rx.el.li(
        avatar(row.name, key=row.email, size=32),
        rx.el.div(
            rx.el.p(
                rx.el.span(row.name, class_name="team-name truncate"),
                rx.cond(row.me, chip(t("You"))),
                rx.cond(row.disabled, chip(t("Disabled"), "danger")),
                rx.cond(~row.confirmed.to(bool), chip(t("Email not confirmed"), "label")),
                class_name="team-head",
            ),
            rx.el.p(row.email, class_name="team-sub truncate"),
            class_name="team-who",
        ),
        rx.cond(
            row.may_change & gives_roles,
            select(
                [("owner", t("Owner")), ("admin", t("Administrator")), ("agent", t("Agent"))],
                id=f"role-{row.id}",
                name="role",
                value=row.role,
                on_change=lambda role: on_role(row.id, role),
                aria_label=t("Role of {name}", name=row.name),
            ),
            rx.el.span(role_name(row.role), class_name="team-role"),
        ),
        rx.el.div(
            rx.cond(
                row.may_change & ~row.me.to(bool),
                rx.fragment(
                    rx.cond(
                        row.disabled,
                        icon_button("user-check", t("Enable {name}", name=row.name), on_click=on_switch(row.id, True)),
                        icon_button("user-lock", t("Disable {name}", name=row.name), on_click=on_switch(row.id, False)),
                    ),
                    icon_button("user-minus", t("Remove {name}", name=row.name), on_click=on_remove(row.id)),
                ),
            ),
            class_name="team-acts",
        ),
        key=row.id,
        class_name=rx.cond(row.disabled, "team-row team-off", "team-row"),
        custom_attrs={"data-testid": "member-row", "data-member-id": row.id, "data-role": row.role},
    )


def _invitation(row: rx.vars.ObjectVar[Any], on_again: Handler, on_withdraw: Handler) -> rx.Component:
    return rx.el.li(
        rx.el.span(icon("mail", 16), class_name="team-mail"),
        rx.el.div(
            rx.el.p(
                rx.el.span(row.email, class_name="team-name truncate"),
                rx.cond(row.expired, chip(t("Expired"), "danger")),
                class_name="team-head",
            ),
            rx.el.p(row.sent, class_name="team-sub truncate"),
            class_name="team-who",
        ),
        rx.el.span(role_name(row.role), class_name="team-role"),
        rx.el.div(
            rx.cond(
                row.may_change,
                rx.fragment(
                    icon_button(
                        "send",
                        t("Send the invitation of {email} again", email=row.email),
                        on_click=on_again(row.email, row.role),
                    ),
                    icon_button(
                        "x", t("Withdraw the invitation of {email}", email=row.email), on_click=on_withdraw(row.id)
                    ),
                ),
            ),
            class_name="team-acts",
        ),
        key=row.id,
        class_name="team-row",
        custom_attrs={"data-testid": "invitation-row", "data-invitation-id": row.id},
    )
