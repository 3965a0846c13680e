"""How far the owner has come: each step is to do, done or skipped, and can be taken up again."""

from dataclasses import dataclass
from typing import Literal, get_args

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.companies.access import access_company
from saasbot.infra import events
from saasbot.infra.errors import InvalidInput
from saasbot.models import Company

Step = Literal["company", "policies", "ai", "product", "number"]
Progress = Literal["todo", "done", "skipped"]
STEPS: tuple[Step, ...] = get_args(Step)


@dataclass(frozen=True, slots=True)
class Onboarding:
    steps: dict[Step, Progress]

    @property
    def next_step(self) -> Step | None:
        """The first that is still to do."""
        return next((step for step, progress in self.steps.items() if progress == "todo"), None)

    @property
    def missing(self) -> tuple[Step, ...]:
        """Everything that is not done, for the dashboard."""
        return tuple(step for step, progress in self.steps.items() if progress != "done")


def onboarding_of(company: Company) -> Onboarding:
    return Onboarding({step: company.onboarding.get(step, "todo") for step in STEPS})


async def get_onboarding(actor: Actor) -> Onboarding:
    """Raises: Forbidden, NotFound."""
    actor.require("company.read")
    return onboarding_of(await access_company(actor))


async def mark_step(actor: Actor, step: str, progress: str) -> Onboarding:
    """Note that a step is done or skipped. What is done stays done when it is skipped later.

    Raises: Forbidden, NotFound, InvalidInput.
    """
    actor.require("company.write")
    if step not in STEPS:
        raise InvalidInput("step", "There is no such step.")
    if progress not in ("done", "skipped"):
        raise InvalidInput("progress", "A step is done or skipped.")
    company = await access_company(actor, lock=True)
    if company.onboarding.get(step) != "done":
        company.onboarding = {**company.onboarding, step: progress}
        await record(actor, "company.setup_step", step=step, progress=progress)
    events.publish("company", company_id=actor.company_id)
    return onboarding_of(company)
