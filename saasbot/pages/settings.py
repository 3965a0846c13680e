"""What the company and the person can set."""

import reflex as rx

from saasbot import routes
from saasbot.components.company_forms import ai_fields, clock_fields, company_fields, policy_fields
from saasbot.components.dialogs import confirm
from saasbot.components.forms import field, select, submit_button, switch, text_field
from saasbot.components.i18n import t
from saasbot.components.security import session_list, two_step_setting
from saasbot.components.shell import page_body, page_header
from saasbot.components.states import notice, skeleton
from saasbot.components.team import invitation_list, invite_form, member_list, role_name
from saasbot.components.types import Handler, Text
from saasbot.components.user_menu import appearance_choice, locale_select
from saasbot.pages.frame import frame
from saasbot.pages.registry import page
from saasbot.state.company import CompanyState
from saasbot.state.locale import LocaleState
from saasbot.state.person import PersonState
from saasbot.state.security import SecurityState
from saasbot.state.session import SessionState
from saasbot.state.shell import ShellState
from saasbot.state.team import TeamState

SECTIONS = (
    ("company", t("Company")),
    ("policies", t("Policies")),
    ("ai", t("AI")),
    ("team", t("Team")),
    ("you", t("You")),
    ("security", t("Security")),
    ("browser", t("This browser")),
)

# The sections come after the address was looked at: what its fragment names is shown when they are there.
_SHOW_SECTION = "document.getElementById(location.hash.slice(1))?.scrollIntoView()"


@page(
    routes.SETTINGS,
    title=t("Settings"),
    on_load=[CompanyState.load, PersonState.load, SecurityState.load, TeamState.load],
    states=[CompanyState, PersonState, SecurityState, TeamState],
)
def settings() -> rx.Component:
    may_write = SessionState.permissions.contains("company.write")
    may_ai = SessionState.permissions.contains("company.secrets")
    return frame(
        page_header(t("Settings"), t("Your company, your account, this browser")),
        page_body(
            rx.el.div(
                rx.el.nav(
                    *[rx.el.a(name, href=f"#{key}") for key, name in SECTIONS],
                    rx.cond(
                        SessionState.permissions.contains("company.audit"),
                        rx.el.a(t("Activity"), href=routes.ACTIVITY),
                    ),
                    rx.cond(may_write, rx.el.a(t("Data"), href=routes.DATA)),
                    class_name="settings-nav",
                    aria_label=t("Sections"),
                ),
                rx.cond(
                    CompanyState.loaded,
                    rx.el.div(
                        _section(
                            "company",
                            t("Company"),
                            t("What customers and the bot know of you."),
                            rx.cond(may_write, _company(), _locked()),
                        ),
                        _section(
                            "policies",
                            t("Policies"),
                            t("The bot answers from these texts, and from nothing else."),
                            rx.cond(may_write, _policies(), _locked()),
                        ),
                        _section(
                            "ai",
                            t("AI"),
                            t("Which model writes the bot's answers."),
                            rx.cond(may_write, _bot_switch()),
                            rx.cond(may_ai, _ai(), _locked()),
                        ),
                        _section(
                            "team",
                            t("Team"),
                            t("Who works here with you, and what each may do."),
                            rx.cond(SessionState.permissions.contains("team.write"), _team(), _locked()),
                        ),
                        _section("you", t("You"), t("How your team and your customers see you."), _person()),
                        _section(
                            "security",
                            t("Security"),
                            t("How you sign in, and where you are signed in."),
                            rx.cond(SecurityState.loaded, _security(), skeleton("form", 2)),
                        ),
                        _section("browser", t("This browser"), t("Only on this device."), _browser()),
                        class_name="settings-sections",
                        on_mount=rx.call_script(_SHOW_SECTION),
                    ),
                    skeleton("form"),
                ),
                class_name="settings",
            ),
        ),
        active=routes.SETTINGS,
    )


def _locked() -> rx.Component:
    """One line where a form would be: the rest of the page is for everybody."""
    return notice("lock", t("Only an owner or administrator of your company can change this."))


def _section(id: str, title: Text, what: Text, *content: rx.Component) -> rx.Component:
    return rx.el.section(
        rx.el.header(
            rx.el.h2(title, class_name="section-title"),
            rx.el.p(what, class_name="panel-what"),
            class_name="section-head",
        ),
        *content,
        id=id,
        class_name="section",
    )


def _form(*fields: rx.Component, on_submit: Handler, id: str) -> rx.Component:
    return rx.el.form(
        *fields,
        rx.el.div(submit_button(t("Save"), busy=False, id=id), class_name="form-actions"),
        on_submit=on_submit,
        id=f"{id}-form",  # with an id Reflex leaves the fields of our own controls (photos) to the browser
        no_validate=True,
        class_name="form",
    )


def _company() -> rx.Component:
    return rx.fragment(
        _form(
            company_fields(CompanyState.company, CompanyState.errors, csrf=SessionState.csrf_token),
            on_submit=CompanyState.save_company,
            id="save-company",
        ),
        _form(
            clock_fields(CompanyState.company, CompanyState.errors), on_submit=CompanyState.save_clock, id="save-clock"
        ),
    )


def _policies() -> rx.Component:
    return _form(
        policy_fields(CompanyState.policies, CompanyState.errors),
        on_submit=CompanyState.save_policies,
        id="save-policies",
    )


def _bot_switch() -> rx.Component:
    return switch(
        t("The bot answers"),
        id="company-bot",
        checked=CompanyState.company.bot_enabled,
        on_change=CompanyState.switch_bot,
        help=t("Off, every bot of the company is silent at once and your team answers all chats."),
    )


def _ai() -> rx.Component:
    return _form(
        ai_fields(
            CompanyState.ai,
            CompanyState.errors,
            source=CompanyState.source,
            testing=CompanyState.testing,
            tested=CompanyState.tested,
            passed=CompanyState.test_passed,
            on_source=CompanyState.choose_source,
            on_test=CompanyState.test_key,
        ),
        on_submit=CompanyState.save_ai,
        id="save-ai",
    )


def _team() -> rx.Component:
    return rx.cond(
        TeamState.loaded,
        rx.fragment(
            member_list(
                TeamState.members,
                gives_roles=TeamState.gives_roles,
                on_role=TeamState.change_role,
                on_switch=TeamState.switch,
                on_remove=TeamState.ask_remove,
            ),
            invitation_list(TeamState.invitations, on_again=TeamState.send_again, on_withdraw=TeamState.withdraw),
            invite_form(
                may_invite=TeamState.may_invite,
                gives_roles=TeamState.gives_roles,
                error=TeamState.invite_error,
                busy=TeamState.inviting,
                on_submit=TeamState.invite,
            ),
            confirm(
                t("Remove {name}?", name=TeamState.removing_name),
                t("They are signed out at once. What they wrote stays. Only a new invitation brings them back."),
                open=TeamState.removing_id != "",
                confirm_label=t("Remove"),
                on_confirm=TeamState.remove,
                on_cancel=TeamState.keep,
            ),
        ),
        skeleton("rows", 3),
    )


def _person() -> rx.Component:
    role = role_name(SessionState.role)
    return rx.fragment(
        rx.el.dl(
            rx.el.div(rx.el.dt(t("Email")), rx.el.dd(ShellState.user_email, class_name="truncate")),
            rx.el.div(rx.el.dt(t("Role")), rx.el.dd(role)),
            class_name="facts",
        ),
        rx.cond(
            PersonState.locale != "",
            _form(
                text_field(
                    t("Your name"),
                    id="person_name",
                    default_value=ShellState.user_name,
                    error=PersonState.name_error,
                    max_length=120,
                    auto_complete="name",
                ),
                field(
                    t("Language of our mails"),
                    select(
                        [("es", "Español"), ("en", "English")],
                        id="person_locale",
                        default_value=PersonState.locale,
                    ),
                    id="person_locale",
                ),
                on_submit=PersonState.save,
                id="save-person",
            ),
        ),
    )


def _security() -> rx.Component:
    return rx.fragment(
        two_step_setting(
            enrolled=SecurityState.enrolled,
            mandatory=SecurityState.mandatory,
            codes_left=SecurityState.codes_left,
            app=SecurityState.app,
            codes=SecurityState.recovery_codes,
            asking=SecurityState.asking,
            code_error=SecurityState.code_error,
            password_error=SecurityState.password_error,
            own_code_error=SecurityState.own_code_error,
            on_begin=SecurityState.begin,
            on_confirm=SecurityState.confirm,
            on_ask=SecurityState.ask,
            on_prove=SecurityState.prove,
            on_codes_kept=SecurityState.hide_codes,
        ),
        session_list(SecurityState.sessions, on_end=SecurityState.end_session, on_end_others=SecurityState.end_others),
    )


def _browser() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.el.label(t("Language"), html_for="settings-locale", class_name="field-label"),
            locale_select(LocaleState.choose, id="settings-locale"),
            class_name="setting-row",
        ),
        rx.el.div(
            rx.el.span(t("Appearance"), class_name="field-label", id="settings-appearance"),
            appearance_choice("settings-appearance"),
            class_name="setting-row",
        ),
    )
