"""The wizard of a new company: which step is on screen, how far it has come. Its forms are those of the settings."""

from dataclasses import dataclass

import reflex as rx
from typing_extensions import TypedDict

from saasbot import routes
from saasbot.domain import catalogue, reports
from saasbot.domain.actor import Actor
from saasbot.domain.catalogue.edit import company_currency
from saasbot.domain.companies import onboarding
from saasbot.domain.companies.onboarding import STEPS
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import InvalidInput
from saasbot.infra.i18n import error_text
from saasbot.infra.money import parse_money
from saasbot.realtime.hub import assign
from saasbot.realtime.watches import Changes, Reading
from saasbot.state import live
from saasbot.state.arguments import EXACT, Id, Text, Word
from saasbot.state.company import (
    AiForm,
    CompanyForm,
    CompanyState,
    PoliciesForm,
    focus_on_error,
    write_ai,
    write_company,
    write_policies,
)
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.patience import patient
from saasbot.state.session import current_actor

TOPICS = ("company", "product", "channel")
_PRODUCT_FIELDS = ("title", "price", "image")


class FirstProductForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    title: Text
    price: Text
    image_id: Id


@dataclass(frozen=True)
class StepRow:
    step: str
    progress: str
    """`todo`, `done` or `skipped`."""


class OnboardingState(rx.State):
    loaded: rx.Field[bool] = rx.field(False)
    step: rx.Field[str] = rx.field(STEPS[0])
    steps: rx.Field[list[StepRow]] = rx.field(default_factory=list)
    currency: rx.Field[str] = rx.field("")
    product_errors: rx.Field[dict[str, str]] = rx.field(default_factory=lambda: dict.fromkeys(_PRODUCT_FIELDS, ""))
    product_added: rx.Field[str] = rx.field("")
    """The title of the product that was just added."""

    @rx.event
    @patient
    async def load(self):
        """The step of the address, else the first that is to do, else the first."""
        actor = await live.watch(self, "onboarding", topics=TOPICS, load=_read, show=_show, page=self.router.route_id)
        async with unit_of_work(actor):
            setup, currency = await reports.read_setup(actor), await company_currency(actor)
        asked = self.router.url.query_parameters.get("step", "")
        self.step = asked if asked in STEPS else (setup.next_step or STEPS[0])
        self.currency, self.product_added = currency, ""
        self.product_errors = dict.fromkeys(_PRODUCT_FIELDS, "")
        _show(self, setup)
        self.loaded = True

    @rx.event
    def go(self, step: Word):
        """Another step, by the rail or by "Back"."""
        if step in STEPS:
            self.step, self.product_added = step, ""

    @rx.event
    async def skip(self):
        """This step is not for now; the dashboard reminds of it."""
        return await self._leave("skipped")

    @rx.event
    async def finish(self):
        """The last step is over, linked or not."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            setup = await reports.read_setup(actor)
        return await self._leave("done" if setup.steps["number"] == "done" else "skipped")

    @rx.event
    async def save_company(self, form: CompanyForm):
        held = await self.get_state(CompanyState)
        return self._next() if await write_company(held, form) else focus_on_error(held)

    @rx.event
    async def save_policies(self, form: PoliciesForm):
        held = await self.get_state(CompanyState)
        return self._next() if await write_policies(held, form) else focus_on_error(held)

    @rx.event
    async def save_ai(self, form: AiForm):
        held = await self.get_state(CompanyState)
        return self._next() if await write_ai(held, form) else focus_on_error(held)

    @rx.event
    async def save_product(self, form: FirstProductForm):
        """The first product is in the catalogue."""
        actor, locale = await current_actor(self), await locale_of(self)
        try:
            async with unit_of_work(actor):
                price = parse_money(form["price"], currency=await company_currency(actor), locale=locale)
                await catalogue.create_product(
                    actor,
                    title=form["title"],
                    price_minor=price,
                    image_id=parse_id(form["image_id"]) if form["image_id"] else None,
                )
                await onboarding.mark_step(actor, "product", "done")
        except InvalidInput as error:
            self.product_errors = {**dict.fromkeys(_PRODUCT_FIELDS, ""), error.field: error_text(locale, error)}
            return rx.set_focus(error.field)
        self.product_errors = dict.fromkeys(_PRODUCT_FIELDS, "")
        return self._next()

    async def _leave(self, progress: str) -> rx.event.EventSpec | None:
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await onboarding.mark_step(actor, self.step, progress)
        return self._next()

    def _next(self) -> rx.event.EventSpec | None:
        """The step after this one; after the last, the dashboard."""
        index = STEPS.index(self.step)  # pyright: ignore[reportArgumentType]  # set from STEPS only
        if index + 1 == len(STEPS):
            return rx.redirect(routes.DASHBOARD)
        self.step = STEPS[index + 1]
        return rx.set_focus("step-title")


async def _read(actor: Actor, _changes: Changes, reading: Reading) -> reports.Setup:
    async def read() -> reports.Setup:
        async with unit_of_work(actor):
            return await reports.read_setup(actor)

    return await reading.once(("setup", actor.company_id), read)


def _show(state: OnboardingState, setup: reports.Setup) -> None:
    assign(state, steps=[StepRow(step, progress) for step, progress in setup.steps.items()])
