"""How many tokens a day a company may use of the model that the platform pays. Another model costs the platform nothing."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from saasbot.domain.admin import limits as counts
from saasbot.infra.crypto import keyed_hash
from saasbot.infra.settings import settings

DAY = timedelta(days=1)
"""From the first token of it."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """A count of its own, of `settings().platform_tokens_a_day` divided by `parts`."""

    kind: str
    parts: int

    async def take(self, company_id: UUID, tokens: int) -> bool:
        """Take them before they are used, so that turns at once cannot outrun the count. False: the day's are used up.

        What was left by one token may be overdrawn by one request.
        """
        if (most := settings().platform_tokens_a_day) == 0:
            return True
        full_until = await counts.count_one(
            self.kind, _hashed(company_id), most=max(1, most // self.parts), window=DAY, amount=tokens
        )
        return full_until is None

    async def settle(self, company_id: UUID, *, taken: int, used: int) -> None:
        """What was taken was a guess; this is what the model counted."""
        if settings().platform_tokens_a_day and taken != used:
            await counts.correct_count(self.kind, _hashed(company_id), by=used - taken)


CUSTOMERS = Allowance("platform_tokens", 1)
TRIALS = Allowance("platform_trial_tokens", 4)
"""Beside those of the customers, so that trying out leaves them theirs."""


def _hashed(company_id: UUID) -> bytes:
    return keyed_hash("attempt-count", f"company {company_id}")
