"""What a new company still lacks: the steps of the wizard, judged by what is there and not only by what was clicked."""

from dataclasses import dataclass

from saasbot.domain.actor import Actor
from saasbot.domain.companies.onboarding import STEPS, Progress, Step, onboarding_of
from saasbot.domain.companies.profile import get_company
from saasbot.infra.db import sql


@dataclass(frozen=True, slots=True)
class Setup:
    steps: dict[Step, Progress]

    @property
    def next_step(self) -> Step | None:
        """The first that was neither done nor skipped."""
        return next((step for step, progress in self.steps.items() if progress == "todo"), None)

    @property
    def missing(self) -> tuple[Step, ...]:
        """Everything that is not done, skipped steps included."""
        return tuple(step for step, progress in self.steps.items() if progress != "done")


_FACTS = """
    SELECT EXISTS (SELECT FROM policy WHERE company_id = :company AND text <> '') AS policies,
           EXISTS (SELECT FROM product WHERE company_id = :company AND deleted_at IS NULL) AS product,
           EXISTS (SELECT FROM channel WHERE company_id = :company AND deleted_at IS NULL
                   AND device_jid IS NOT NULL) AS number
"""


async def read_setup(actor: Actor) -> Setup:
    """A product that came through the catalogue, or a number linked on its own page, counts as done.

    Raises: Forbidden, NotFound.
    """
    company = await get_company(actor)
    marked = onboarding_of(company).steps
    facts = (await sql(_FACTS, company=actor.company_id)).one()
    there = {
        "company": bool(company.industry or company.description),
        "policies": facts.policies,
        "ai": company.ai_source != "none",
        "product": facts.product,
        "number": facts.number,
    }
    return Setup({step: "done" if there[step] else marked[step] for step in STEPS})
