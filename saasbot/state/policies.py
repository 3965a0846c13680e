"""Who may call which event handler, in one table. A handler without a row is refused, and the app is not even built.

`public`: anybody. `signed_in`: anybody with a live session. `needs(...)`: roles that hold the permission. `roles(...)`: these
roles. The use case behind a handler checks again; this is the door.
"""

from collections.abc import Callable
from typing import Any

from reflex_base.registry import RegistrationContext

from saasbot.state.policy import Policy, needs, public, signed_in

POLICIES: dict[str, dict[str, Policy]] = {
    # Before sign-in
    "AuthState": {
        "begin": public,
        "leave_when_signed_in": public,
        "register": public,
        "sign_in": public,
        "forgot_password": public,
        "reset_password": public,
        "sign_out": public,
    },
    "TwoStepState": {
        "begin": public,
        "check": public,
        "enter": public,
        "mail_code": public,
        "mail_again": public,
        "use_recovery_code": public,
        "leave_it": public,
    },
    "ConfirmState": {"begin": public, "confirm": public},
    "InviteState": {"begin": public, "accept": public, "join": signed_in},
    "LocaleState": {"choose": public},
    # Around every page
    "ShellState": {"load": signed_in, "dismiss": signed_in, "act": signed_in},
    "CompaniesState": {"read": signed_in, "enter": signed_in},
    "PersonState": {"load": signed_in, "save": signed_in},
    "SecurityState": {
        "load": signed_in,
        "begin": signed_in,
        "confirm": signed_in,
        "ask": signed_in,
        "prove": signed_in,
        "hide_codes": signed_in,
        "end_session": signed_in,
        "end_others": signed_in,
    },
    "TeamState": {
        "load": signed_in,
        "invite": needs("team.write"),
        "send_again": needs("team.write"),
        "withdraw": needs("team.write"),
        "change_role": needs("team.write"),
        "switch": needs("team.write"),
        "ask_remove": needs("team.write"),
        "keep": needs("team.write"),
        "remove": needs("team.write"),
    },
    "ActivityState": {
        "load": needs("company.audit"),
        "choose_person": needs("company.audit"),
        "choose_kind": needs("company.audit"),
        "turn_page": needs("company.audit"),
    },
    "DataState": {
        "load": needs("company.write"),
        "export_company": needs("company.data"),
        "export_contact": needs("company.data"),
        "download": needs("company.data"),
        "erase_company": needs("company.data"),
        "keep_company": needs("company.data"),
    },
    "ErasureState": {
        "ask": needs("contacts.erase"),
        "leave": signed_in,
        "erase": needs("contacts.erase"),
    },
    "ConsentState": {
        "ask": needs("inbox.write"),
        "note": needs("inbox.write"),
        "ask_withdraw": needs("inbox.write"),
        "withdraw": needs("inbox.write"),
        "leave": signed_in,
    },
    "ConsentTextState": {"load": needs("company.write"), "save": needs("company.write")},
    "DashboardState": {"load": needs("inbox.read")},
    # Inbox
    "InboxState": {
        "load": needs("inbox.read"),
        "choose_tab": needs("inbox.read"),
        "search": needs("inbox.read"),
        "load_more": needs("inbox.read"),
    },
    "ThreadState": {
        "open": needs("inbox.read"),
        "close": needs("inbox.read"),
        "load_older": needs("inbox.read"),
        "seen": needs("inbox.write"),
        "take_over": needs("inbox.write"),
        "hand_back": needs("inbox.write"),
        "switch_bot": needs("inbox.write"),
        "send_again": needs("inbox.write"),
        "ask_to_part": needs("inbox.write"),
        "stay_joined": needs("inbox.write"),
        "part": needs("inbox.write"),
    },
    "ComposerState": {
        "send": needs("inbox.write"),
        "keep_draft": needs("inbox.write"),
        "typing": needs("inbox.write"),
    },
    "ComposerFormState": {
        "show": needs("inbox.write"),
        "switch": needs("inbox.write"),
        "send_place": needs("inbox.write"),
        "send_card": needs("inbox.write"),
        "send_poll": needs("inbox.write"),
    },
    "MessageActsState": {
        "react": needs("inbox.write"),
        "edit": needs("inbox.write"),
        "revoke": needs("inbox.write"),
        "cancel": needs("inbox.write"),
        "fetch": needs("inbox.write"),
    },
    # Catalogue
    "CatalogueState": {
        "load": needs("catalogue.read"),
        "search": needs("catalogue.read"),
        "clear_search": needs("catalogue.read"),
        "turn_page": needs("catalogue.read"),
        "open_product": needs("catalogue.read"),
        "set_sheet_open": needs("catalogue.read"),
        "open_new": needs("catalogue.write"),
        "save": needs("catalogue.write"),
        "save_price": needs("catalogue.write"),
        "set_active": needs("catalogue.write"),
        "set_photo": needs("catalogue.write"),
        "photo_failed": needs("catalogue.write"),
        "delete": needs("catalogue.write"),
        "restore": needs("catalogue.write"),
    },
    # Bots
    "BotsState": {
        "load": needs("bots.read"),
        "set_adding": needs("bots.read"),
        "add": needs("bots.write"),
        "switch": needs("bots.write"),
    },
    "BotState": {
        "load": needs("bots.read"),
        "choose_tab": needs("bots.read"),
        "select": needs("bots.read"),
        "restore": needs("bots.read"),
        "try_out": needs("bots.read"),
        "clear_trial": needs("bots.read"),
        "keep": needs("bots.write"),
        "save": needs("bots.write"),
        "publish": needs("bots.write"),
        "switch": needs("bots.write"),
        "save_rules": needs("bots.write"),
    },
    # Numbers
    "ChannelsState": {
        "load": needs("channels.read"),
        "set_adding": needs("channels.read"),
        "show_code_form": needs("channels.read"),
        "cancel_ending": needs("channels.read"),
        "open_add": needs("channels.write"),
        "add": needs("channels.write"),
        "connect_number": needs("channels.write"),
        "new_code": needs("channels.write"),
        "link_any_phone": needs("channels.write"),
        "choose_history": needs("channels.write"),
        "pair_by_phone": needs("channels.write"),
        "close_pairing": needs("channels.write"),
        "stop_number": needs("channels.write"),
        "switch_bot": needs("channels.write"),
        "choose_bot": needs("channels.write"),
        "ask_logout": needs("channels.write"),
        "ask_delete": needs("channels.write"),
        "end": needs("channels.write"),
    },
    "ChannelDetailsState": {
        "open_details": needs("channels.read"),
        "show_more": needs("channels.read"),
        "close": needs("channels.read"),
    },
    "ChannelSettingsState": {
        "close": needs("channels.read"),
        "open_settings": needs("channels.write"),
        "save": needs("channels.write"),
    },
    # Company
    "CompanyState": {
        "load": needs("company.read"),
        "choose_source": needs("company.read"),
        "save_company": needs("company.write"),
        "save_clock": needs("company.write"),
        "save_policies": needs("company.write"),
        "switch_bot": needs("company.write"),
        "save_ai": needs("company.secrets"),
        "test_key": needs("company.secrets"),
    },
    "OnboardingState": {
        "load": needs("company.read"),
        "go": needs("company.read"),
        "skip": needs("company.write"),
        "finish": needs("company.write"),
        "save_company": needs("company.write"),
        "save_policies": needs("company.write"),
        "save_ai": needs("company.secrets"),
        "save_product": needs("catalogue.write"),
    },
    # The simulated phones
    "PhoneState": {
        "load": needs("channels.read"),
        "choose_number": needs("channels.read"),
        "pick": needs("channels.read"),
        "new_person": needs("channels.read"),
        "set_sender": needs("channels.read"),
        "set_name": needs("channels.read"),
        "set_side": needs("channels.read"),
        "scan_qr": needs("channels.write"),
        "type_code": needs("channels.write"),
        "switch_fault": needs("channels.write"),
        "clear_faults": needs("channels.write"),
        "set_auto_receipts": needs("channels.write"),
        "send": needs("inbox.write"),
        "send_sample": needs("inbox.write"),
        "call": needs("inbox.write"),
        "vote": needs("inbox.write"),
        "type_text": needs("inbox.write"),
        "stop_typing": needs("inbox.write"),
    },
}

Handler = Callable[..., Any]


class PolicyGap(Exception):
    """The table and the handlers of the app do not agree; the text names them."""


def policy_of(handler: Handler) -> Policy | None:
    """The row of a handler of a state class; nothing when it has none, and then nobody may call it."""
    state, _, name = handler.__qualname__.rpartition(".")
    return POLICIES.get(state, {}).get(name)


def our_handlers() -> list[Handler]:
    """Every event handler that the app's own state classes registered."""
    found = (registered.handler.fn for registered in RegistrationContext.get().event_handlers.values())
    return [handler for handler in found if handler.__module__.startswith("saasbot.")]


def check_policies() -> None:
    """Every handler has one row and every row one handler. Called when the app is assembled, so that nothing runs otherwise.

    Raises: PolicyGap.
    """
    names = [handler.__qualname__ for handler in our_handlers()]
    rows = {f"{state}.{name}" for state, handlers in POLICIES.items() for name in handlers}
    gaps = [
        *(f"no policy: {name}" for name in sorted(set(names) - rows)),
        *(f"no handler: {name}" for name in sorted(rows - set(names))),
        *(f"two handlers: {name}" for name in sorted(set(names)) if names.count(name) > 1),
    ]
    if gaps:
        raise PolicyGap("saasbot/state/policies.py: " + "; ".join(gaps))
