"""What a company's customers agree to: its own text in immutable versions, and a built-in one until somebody has written it."""

from dataclasses import dataclass
from datetime import datetime

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.companies.access import access_company
from saasbot.infra import events
from saasbot.infra.db import session, sql
from saasbot.infra.i18n import gettext
from saasbot.infra.text_input import paragraphs
from saasbot.models import Company, ConsentText
from saasbot.models.table import new_id, utcnow

LONGEST_TEXT = 4_000
BUILT_IN = 0


@dataclass(frozen=True, slots=True)
class TextView:
    """The version that counts."""

    version: int
    """`BUILT_IN`, or from 1."""
    text: str
    since: datetime | None = None
    """Nothing of the built-in one."""
    written_by: str = ""
    """A name; empty of the built-in one, and of somebody who is gone."""


async def read_text(actor: Actor) -> TextView:
    """What customers are asked now.

    Raises: Forbidden.
    """
    actor.require("company.read")
    rows = await sql(
        """
        SELECT t.version, t.text, t.created_at, u.name FROM consent_text t LEFT JOIN user_account u ON u.id = t.created_by
        WHERE t.company_id = :company ORDER BY t.version DESC LIMIT 1
        """,
        company=actor.company_id,
    )
    row = rows.one_or_none()
    if row is None:
        return TextView(BUILT_IN, _built_in(await access_company(actor)))
    if row.version == BUILT_IN:
        return TextView(BUILT_IN, row.text)
    return TextView(row.version, row.text, row.created_at, row.name or "")


async def write_text(actor: Actor, text: str) -> TextView:
    """From now on customers are asked this; who agreed to an earlier version has agreed to that one. The same text again changes
    nothing.

    Raises: Forbidden, InvalidInput.
    """
    actor.require("company.write")
    cleaned = paragraphs("text", text, longest=LONGEST_TEXT, required=True)
    await access_company(actor, lock=True)  # two writers get two numbers
    now = await read_text(actor)
    if cleaned == now.text:
        return now
    written = ConsentText(company_id=actor.company_id, version=now.version + 1, text=cleaned, created_by=actor.user_id)
    session().add(written)
    await session().flush()
    await record(actor, "consent.text_changed", written.id, version=written.version)
    events.publish("company", company_id=actor.company_id)
    return TextView(written.version, written.text, written.created_at, actor.name)


async def keep_built_in(actor: Actor, text: TextView) -> None:
    """Somebody was asked the built-in text: it stays as it was then, whatever a later release or another name of the company would
    make of it."""
    await sql(
        """
        INSERT INTO consent_text (id, created_at, company_id, version, text) VALUES (:id, :now, :company, :version, :text)
        ON CONFLICT (company_id, version) DO NOTHING
        """,
        id=new_id(),
        now=utcnow(),
        company=actor.company_id,
        version=text.version,
        text=text.text,
    )


def _built_in(company: Company) -> str:
    return gettext(
        company.locale,
        "I agree that {company} answers me on WhatsApp, also by an automatic assistant, writes to me there about my questions, my "
        "orders and its offers, and keeps our conversation for that. I can take this back at any time by writing so, and ask for a "
        "copy of what is kept of me, or that it is erased.",
        company=company.name,
    )
