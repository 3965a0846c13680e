"""One bot: the prompt at the left; versions, trial and rules at the right."""

from typing import Any

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import button, link_button
from saasbot.components.chips import chip
from saasbot.components.forms import text_area, text_field
from saasbot.components.i18n import t
from saasbot.components.prompt_editor import PromptEditor, diff_view
from saasbot.components.shell import page_header
from saasbot.components.states import empty_state, skeleton
from saasbot.pages.frame import frame
from saasbot.pages.registry import page
from saasbot.state.bot import BotState


@page(routes.BOT, title=t("Bot"), on_load=[BotState.load], states=[BotState])
def bot() -> rx.Component:
    return frame(
        page_header(
            rx.cond(BotState.name != "", BotState.name, t("Bot")),
            None,
            rx.cond(BotState.draft, chip(t("Unpublished changes"), "label")),
            rx.el.label(
                rx.switch(id="bot-toggle", checked=BotState.enabled, on_change=BotState.switch),
                rx.cond(BotState.enabled, t("Answering"), t("Off")),
                class_name="switch-inline",
            ),
            lead=link_button(t("Bots"), routes.BOTS, kind="ghost", icon="arrow-left"),
        ),
        rx.cond(
            BotState.found,
            rx.cond(
                BotState.loaded,
                rx.el.div(_editor(), _side(), class_name="bot-page"),
                rx.el.div(skeleton("form"), class_name="page-body"),
            ),
            empty_state(
                "bot",
                t("This bot does not exist"),
                t("It may have been removed."),
                link_button(t("All bots"), routes.BOTS),
            ),
        ),
        active=routes.BOTS,
    )


def _editor() -> rx.Component:
    return rx.el.form(
        PromptEditor.create(
            id="prompt-editor",
            name="prompt",
            text=BotState.text,
            revision=BotState.revision,
            label=t("Instructions of the bot"),
            on_draft=BotState.keep,
        ),
        rx.el.p(
            rx.cond(BotState.text_error != "", BotState.text_error, ""),
            class_name="field-error",
            aria_live="polite",
        ),
        rx.el.div(
            rx.el.input(
                id="prompt-note",
                name="prompt_note",
                placeholder=t("What changes, in a few words"),
                aria_label=t("Note of this version"),
                max_length=200,
                class_name="input",
            ),
            button(t("Save version"), type="submit", id="prompt-save", icon="save"),
            button(
                rx.cond(
                    (BotState.selected > 0) & (BotState.selected < BotState.published),
                    t("Roll back to {n}", n=BotState.selected),
                    rx.cond(BotState.selected > 0, t("Publish version {n}", n=BotState.selected), t("Publish")),
                ),
                kind="primary",
                id="prompt-publish",
                icon="rocket",
                on_click=BotState.publish(0),
            ),
            class_name="editor-actions",
        ),
        on_submit=BotState.save,
        class_name="bot-editor",
    )


def _side() -> rx.Component:
    return rx.el.aside(
        rx.el.div(
            _tab("versions", t("Versions")),
            _tab("try", t("Try it")),
            _tab("rules", t("Rules")),
            role="tablist",
            class_name="tabs",
        ),
        rx.el.div(
            rx.match(BotState.tab, ("try", _trial()), ("rules", _rules()), _versions()),
            class_name="tab-body",
            role="tabpanel",
        ),
        class_name="bot-side",
    )


def _tab(value: str, label: rx.Var[str]) -> rx.Component:
    current = BotState.tab == value
    return rx.el.button(
        label,
        type="button",
        role="tab",
        id=f"bot-tab-{value}",
        aria_selected=current,
        class_name=rx.cond(current, "tab tab-on", "tab"),
        on_click=BotState.choose_tab(value),
    )


def _versions() -> rx.Component:
    return rx.fragment(
        rx.el.ol(rx.foreach(BotState.versions, _version), class_name="timeline"),
        rx.cond(
            BotState.diff_of != "",
            rx.el.section(
                rx.el.h2(BotState.diff_of, class_name="section-title"),
                diff_view(BotState.diff),
                id="prompt-diff",
            ),
        ),
    )


def _version(row: rx.vars.ObjectVar[Any]) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            rx.el.span(
                t("Version {n}", n=row.version),
                rx.cond(row.published, chip(t("Published"), "human")),
                class_name="version-name",
            ),
            rx.cond(row.note != "", rx.el.span(row.note, class_name="version-note")),
            rx.el.span(
                rx.cond(row.author != "", f"{row.author} · ", ""),
                row.when,
                class_name="version-who",
                title=row.when_full,
            ),
            type="button",
            class_name=rx.cond(BotState.selected == row.version, "version version-on", "version"),
            aria_pressed=BotState.selected == row.version,
            on_click=BotState.select(row.version),
        ),
        rx.el.span(
            button(t("To the editor"), kind="ghost", on_click=BotState.restore(row.version)),
            rx.cond(
                row.published,
                rx.fragment(),
                button(
                    rx.cond(row.version.to(int) < BotState.published, t("Roll back"), t("Publish")),
                    kind="ghost",
                    on_click=BotState.publish(row.version),
                ),
            ),
            class_name="version-acts",
        ),
        custom_attrs={
            "data-testid": "prompt-version",
            "data-version": row.version.to_string(),
            "data-published": rx.cond(row.published, "true", "false"),
        },
    )


def _trial() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.cond(
                BotState.trial.length() > 0,
                rx.foreach(BotState.trial, _trial_line),
                empty_state(
                    "message-circle",
                    t("Write as a customer would"),
                    t("The bot answers with what is in the editor. Nothing is sent to anybody."),
                ),
            ),
            rx.cond(BotState.trying, rx.el.p(t("Thinking…"), class_name="faint")),
            class_name="trial-lines",
            aria_live="polite",
        ),
        rx.el.form(
            rx.el.input(
                name="trial_text",
                id="trial-text",
                class_name="input",
                aria_label=t("Message of a customer"),
                placeholder=t("How much are the red sneakers?"),
                auto_complete="off",
            ),
            button(t("Ask"), kind="primary", type="submit", id="trial-send", busy=BotState.trying),
            on_submit=BotState.try_out,
            reset_on_submit=True,
            class_name="trial-form",
        ),
        class_name="trial",
    )


def _trial_line(line: rx.vars.ObjectVar[Any]) -> rx.Component:
    return rx.el.div(
        rx.el.p(line.text),
        rx.cond(line.why != "", rx.el.p(line.why, class_name="faint")),
        class_name=rx.cond(line.mine, "trial-line trial-mine", "trial-line trial-bot"),
    )


def _rules() -> rx.Component:
    errors = BotState.rules_errors
    return rx.el.form(
        text_field(t("Name"), id="bot_name", default_value=BotState.name, error=errors.get("name", ""), max_length=80),
        text_area(
            t("Personality"),
            id="personality",
            default_value=BotState.personality,
            error=errors.get("personality", ""),
            help=t("How it speaks: warm, brief, with or without emoji."),
            rows=3,
        ),
        text_area(
            t("Trigger words"),
            id="triggers",
            default_value=BotState.triggers,
            error=errors.get("triggers", ""),
            help=t(
                "One a line. With words here, the bot starts only on a message that has one. Empty: on every message."
            ),
            rows=4,
            optional=True,
        ),
        text_field(
            t("Model"),
            id="model",
            default_value=BotState.model,
            error=errors.get("model", ""),
            help=t("Empty: the company's model."),
            optional=True,
        ),
        rx.el.div(button(t("Save rules"), kind="primary", type="submit", id="rules-save"), class_name="form-actions"),
        on_submit=BotState.save_rules,
        key=BotState.revision,
    )
