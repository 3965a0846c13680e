"""The frame of a wizard: steps with ticks at the left, one question group in a column of 560 px."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import button, link_button
from saasbot.components.i18n import pick, t
from saasbot.components.icons import icon
from saasbot.components.types import Handler, Text


@dataclass(frozen=True)
class Step:
    """`key` is the step's stable name."""

    key: str
    name: Text
    title: Text
    what: Text


def wizard(
    *content: rx.Component,
    steps: tuple[Step, ...],
    rows: rx.vars.ArrayVar[Any],
    current: rx.Var[str],
    on_go: Handler,
    company: rx.vars.StringVar,
    person: rx.Component,
) -> rx.Component:
    """`rows` are (step, progress) in order, as StepRow; `on_go(step)`; `person` is the menu of who is signed in."""
    return rx.el.div(
        rx.el.aside(
            rx.el.div(
                rx.el.span(rx.cond(company != "", company[0].upper(), "S"), class_name="mark", aria_hidden="true"),
                rx.el.span(company, class_name="truncate"),
                class_name="wizard-company",
            ),
            rx.el.nav(
                rx.el.ol(rx.foreach(rows, lambda row, index: _step(row, index, steps, current, on_go))),
                aria_label=t("Steps"),
            ),
            rx.el.div(
                link_button(t("Finish later"), routes.DASHBOARD, kind="ghost", icon="arrow-right"),
                person,
                class_name="wizard-foot",
            ),
            class_name="wizard-rail",
        ),
        rx.el.main(
            rx.el.div(
                rx.el.p(_progress(rows, current), class_name="wizard-count"),
                rx.el.h1(_of(steps, current, "title"), id="step-title", tab_index=-1, class_name="wizard-title"),
                rx.el.p(_of(steps, current, "what"), class_name="wizard-what"),
                *content,
                class_name="wizard-column",
            ),
            id="content",
            class_name="wizard-main",
        ),
        class_name="wizard",
    )


def wizard_buttons(submit: rx.Component, *, on_skip: Handler = None, on_back: Handler = None) -> rx.Component:
    """Back at the left; "not now" and the step's own button at the right."""
    return rx.el.div(
        button(t("Back"), kind="ghost", icon="arrow-left", on_click=on_back) if on_back is not None else rx.el.span(),
        rx.el.span(class_name="wizard-space"),
        button(t("Skip for now"), kind="ghost", id="skip", on_click=on_skip) if on_skip is not None else None,
        submit,
        class_name="wizard-buttons",
    )


def _step(
    row: rx.vars.ObjectVar[Any], index: rx.vars.NumberVar, steps: tuple[Step, ...], current: rx.Var[str], on_go: Handler
) -> rx.Component:
    here = row.step == current
    return rx.el.li(
        rx.el.button(
            rx.el.span(
                rx.match(
                    row.progress, ("done", icon("check", 13)), ("skipped", icon("minus", 13)), rx.fragment(index + 1)
                ),
                class_name=f"step-mark step-{row.progress}",
                aria_hidden="true",
            ),
            rx.el.span(_of(steps, row.step, "name"), class_name="step-name"),
            rx.el.span(
                pick(row.progress, ("done", t("Done")), ("skipped", t("Skipped")), t("To do")),
                class_name="visually-hidden",
            ),
            type="button",
            class_name=rx.cond(here, "wizard-step wizard-step-on", "wizard-step"),
            custom_attrs={"aria-current": rx.cond(here, "step", "false"), "data-step": row.step},
            on_click=on_go(row.step),
        )
    )


def _progress(rows: rx.vars.ArrayVar[Any], current: rx.Var[str]) -> rx.Var[str]:
    number = rx.Var(f"({rows!s}.findIndex((row) => row.step === {current!s}) + 1)").to(int)
    return t("Step {n} of {all}", n=number, all=rows.length())


def _of(steps: tuple[Step, ...], key: rx.Var[str], what: str) -> rx.Var[str]:
    return pick(key, *[(step.key, getattr(step, what)) for step in steps], "")
