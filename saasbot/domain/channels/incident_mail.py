"""The mail about numbers that do not work, in its reader's language and on the company's clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from saasbot.domain.actor import Actor
from saasbot.domain.channels.incidents import LASTS
from saasbot.infra.db import sql
from saasbot.infra.i18n import N_, format_when, gettext, supported, translate
from saasbot.infra.settings import settings
from saasbot.models.table import utcnow

DOWN = {
    "logged_out": N_("{number} is logged out since {when}: customers who write there get no answer."),
    "banned": N_("{number} is blocked by WhatsApp since {when}: customers who write there get no answer."),
    "deaf": N_("{number} is connected but nothing arrives since {when}."),
    "reconnecting": N_("{number} cannot connect since {when}. We keep trying."),
    "failed": N_("{number} does not work since {when}: customers who write there get no answer."),
}
"""By status. `when` is a time, or a day."""


@dataclass(frozen=True, slots=True)
class IncidentMail:
    subject: str
    text: str


async def incident_mail(actor: Actor, user_id: UUID, channel_ids: Sequence[UUID]) -> IncidentMail | None:
    """What the owner is to read now; nothing when every number works again, or when they are no longer with the company."""
    person = (
        await sql(
            """
            SELECT u.name, u.locale, c.timezone FROM user_account u
            JOIN membership m ON m.user_id = u.id AND m.role = 'owner' AND m.removed_at IS NULL AND m.disabled_at IS NULL
            JOIN company c ON c.id = m.company_id
            WHERE u.id = :user AND m.company_id = :company AND u.disabled_at IS NULL
            """,
            user=user_id,
            company=actor.company_id,
        )
    ).one_or_none()
    numbers = (
        await sql(
            """
            SELECT c.name, c.status, i.began_at FROM channel c JOIN channel_incident i ON i.channel_id = c.id
            WHERE c.company_id = :company AND c.id = ANY(:ids) AND c.status = ANY(:down) AND c.deleted_at IS NULL
            ORDER BY i.began_at, c.name
            """,
            company=actor.company_id,
            ids=list(channel_ids),
            down=[str(status) for status in LASTS],
        )
    ).all()
    if person is None or not numbers:
        return None
    locale, zone, now = supported(person.locale), ZoneInfo(person.timezone), utcnow()
    lines = [
        translate(locale, DOWN[row.status]).format(
            number=row.name, when=format_when(row.began_at, zone, locale, now=now)
        )
        for row in numbers
    ]
    subject = (
        gettext(locale, "{number} needs you", number=numbers[0].name)
        if len(numbers) == 1
        else gettext(locale, "{count} of your numbers need you", count=len(numbers))
    )
    text = gettext(
        locale,
        "Hello {name},\n\n{numbers}\n\nSee what to do: {link}\n\nWe write once about each incident, and again only if it gets worse.\n",
        name=person.name,
        numbers="\n".join(lines),
        link=f"{settings().public_url}/channels",
    )
    return IncidentMail(subject, text)
