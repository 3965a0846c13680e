"""The simulated phones: play the customers, scan the QR as the shop, and break the network."""

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import button, link_button
from saasbot.components.forms import InputType
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.phone import FORM, PhoneActions, PhoneScreen, person_button, phone
from saasbot.components.shell import page_header
from saasbot.components.states import empty_state, skeleton
from saasbot.components.status import status_line
from saasbot.components.types import Handler
from saasbot.pages.frame import frame
from saasbot.pages.phone_faults import faults
from saasbot.pages.registry import page
from saasbot.state.phone import PhoneState

ACTIONS = PhoneActions(
    send=PhoneState.send,
    send_sample=PhoneState.send_sample,
    type_text=PhoneState.type_text.throttle(1500),
    stop_typing=PhoneState.stop_typing,
    call=PhoneState.call,
    vote=PhoneState.vote,
)


@page(routes.PHONE, title=t("Simulated phone"), on_load=[PhoneState.load], states=[PhoneState])
def phone_page() -> rx.Component:
    return frame(
        page_header(t("Simulated phone"), t("Play the customers, and see what the shop and its bot do")),
        rx.cond(
            PhoneState.off,
            empty_state(
                "smartphone",
                t("The simulator is off on this server."),
                t("Set SAASBOT_SIMULATOR=1 and start again to try the product without a phone."),
            ),
            rx.cond(PhoneState.loaded, _loaded(), rx.el.div(skeleton("thread"), class_name="page-body")),
        ),
        active=routes.PHONE,
    )


def _loaded() -> rx.Component:
    return rx.cond(
        PhoneState.numbers.length() > 0,
        rx.el.div(
            rx.el.aside(_number(), _side(), _people(), class_name="phone-left", aria_label=t("Who is on the phone")),
            rx.el.div(_phone(), class_name="phone-middle"),
            rx.el.aside(faults(), class_name="phone-right", aria_label=t("What can go wrong")),
            class_name="phone-page",
        ),
        empty_state(
            "smartphone",
            t("No simulated number yet"),
            t("Add a number of the simulator, and come back to scan its QR with this phone."),
            link_button(t("Add number"), routes.CHANNELS, kind="primary", icon="plus"),
        ),
    )


def _number() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("Number of the shop"), class_name="phone-title"),
        rx.el.div(
            rx.el.select(
                rx.foreach(PhoneState.numbers, lambda n: rx.el.option(n.name, value=n.id)),
                id="phone-number",
                value=PhoneState.chosen,
                on_change=PhoneState.choose_number,
                class_name="input select",
                aria_label=t("Number of the shop"),
            ),
            icon("chevron-down", 14),
            class_name="select-wrap",
        ),
        status_line(PhoneState.status, id="phone-status", custom_attrs={"data-status": PhoneState.status}),
        rx.cond(
            PhoneState.asks_code,
            rx.el.form(
                rx.el.input(
                    id="phone-code",
                    name="phone_code",
                    class_name="input",
                    placeholder="ABCD-1234",
                    aria_label=t("Code on screen"),
                    auto_complete="off",
                    required=True,
                ),
                button(t("Link"), kind="primary", type="submit", id="phone-code-submit"),
                on_submit=PhoneState.type_code,
                class_name="phone-code",
            ),
            rx.cond(
                PhoneState.linked & (PhoneState.scannable == ""),
                rx.fragment(),
                rx.fragment(
                    button(
                        t("Scan the QR"),
                        kind="primary",
                        icon="scan-line",
                        id="phone-scan",
                        class_name="btn-wide",
                        disabled=PhoneState.scannable == "",
                        on_click=PhoneState.scan_qr,
                    ),
                    rx.cond(
                        PhoneState.scannable == "",
                        rx.el.p(
                            t("No QR is on screen. Press Link in Numbers."),
                            class_name="field-help",
                        ),
                    ),
                ),
            ),
        ),
        class_name="phone-block",
    )


def _side() -> rx.Component:
    def half(label: rx.Var[str], owner: bool, id: str) -> rx.Component:
        current = PhoneState.as_owner if owner else ~PhoneState.as_owner
        return rx.el.button(
            label,
            type="button",
            id=id,
            aria_pressed=current,
            class_name=rx.cond(current, "seg-item seg-on", "seg-item"),
            on_click=PhoneState.set_side(owner),
        )

    return rx.el.section(
        rx.el.h2(t("Phone on screen"), class_name="phone-title"),
        rx.el.div(
            half(t("The customer's"), False, "phone-as-customer"),
            half(t("The shop's"), True, "phone-as-owner"),
            class_name="seg phone-seg",
            role="group",
            aria_label=t("Phone on screen"),
        ),
        rx.cond(
            PhoneState.as_owner,
            rx.el.p(
                t("What you write here is the owner answering on their own phone: the bot leaves the chat."),
                class_name="field-help",
            ),
        ),
        class_name="phone-block",
    )


def _people() -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.h2(t("Customers"), class_name="phone-title"),
            button(t("Somebody new"), kind="ghost", icon="user-plus", id="phone-new", on_click=PhoneState.new_person),
            class_name="phone-title-row",
        ),
        rx.el.div(
            rx.foreach(
                PhoneState.people,
                lambda row: person_button(row, current=PhoneState.sender == row.peer, on_pick=PhoneState.pick),
            ),
            class_name="phone-people",
        ),
        rx.el.div(
            _who("phone-name", "phone_name", t("Name"), PhoneState.sender_name, PhoneState.set_name, "text"),
            _who("phone-from", "phone_from", t("Phone number"), PhoneState.sender, PhoneState.set_sender, "tel"),
            key=PhoneState.picked.to_string(),
            class_name="phone-who-fields",
        ),
        class_name="phone-block phone-block-people",
    )


def _who(id: str, name: str, label: rx.Var[str], value: rx.Var[str], on_blur: Handler, type: InputType) -> rx.Component:
    """A field of the composer's form that stands outside of it."""
    return rx.el.div(
        rx.el.label(label, html_for=id, class_name="field-label"),
        rx.el.input(
            id=id,
            name=name,
            form=FORM,
            type=type,
            default_value=value,
            on_blur=on_blur,
            class_name="input",
            auto_complete="off",
            max_length=80,
        ),
        class_name="field",
    )


def _phone() -> rx.Component:
    customer = rx.cond(PhoneState.sender_name != "", PhoneState.sender_name, PhoneState.sender)
    screen = PhoneScreen(
        title=rx.cond(PhoneState.as_owner, customer, PhoneState.business).to(str),
        types=PhoneState.business_types & ~PhoneState.as_owner,
        bubbles=PhoneState.bubbles,
        linked=PhoneState.linked,
        as_owner=PhoneState.as_owner,
    )
    return phone(screen, ACTIONS)
