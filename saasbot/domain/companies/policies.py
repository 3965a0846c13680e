"""The texts a company wrote about how it works. The bot answers from them."""

import re
from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.infra import events
from saasbot.infra.db import run
from saasbot.infra.errors import InvalidInput
from saasbot.infra.text_input import paragraphs
from saasbot.models import Policy
from saasbot.models.table import new_id, utcnow

STANDARD = ("shipping", "refund", "brand_voice", "hours")
"""Always present, empty until written."""
MOST_POLICIES = 30
LONGEST_POLICY = 8_000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


async def get_policies(actor: Actor) -> dict[str, str]:
    """Name to text, the standard ones first.

    Raises: Forbidden.
    """
    actor.require("company.read")
    found = await run(
        select(col(Policy.name), col(Policy.text))
        .where(col(Policy.company_id) == actor.company_id)
        .order_by(col(Policy.name))
    )
    texts = {str(name): str(text) for name, text in found}
    return {name: texts.get(name, "") for name in STANDARD} | {
        name: text for name, text in texts.items() if name not in STANDARD and text
    }


async def put_policies(actor: Actor, policies: Mapping[str, str]) -> dict[str, str]:
    """Write the given policies; others stay. An empty text removes one. Returns all of them.

    Raises: Forbidden, InvalidInput (the field is the policy's name).
    """
    actor.require("company.write")
    checked = {}
    for name, text in policies.items():
        if not _NAME.fullmatch(name):
            raise InvalidInput(name[:40], "Name it with lower-case letters, digits and underscores.")
        checked[name] = paragraphs(name, text, longest=LONGEST_POLICY)
    now = utcnow()
    # in one order, so that two writers never wait for each other
    for name, text in sorted(checked.items()):
        await run(
            insert(Policy)
            .values(id=new_id(), created_at=now, company_id=actor.company_id, name=name, text=text, updated_at=now)
            .on_conflict_do_update(index_elements=["company_id", "name"], set_={"text": text, "updated_at": now})
        )
    kept = await run(
        select(func.count())
        .select_from(Policy)
        .where(col(Policy.company_id) == actor.company_id, col(Policy.text) != "")
    )
    if (kept.scalar() or 0) > MOST_POLICIES:
        raise InvalidInput("policies", "A company may have at most {most} policies.", most=MOST_POLICIES)
    await record(actor, "company.policies_changed", fields=sorted(checked))
    events.publish("company", company_id=actor.company_id)
    return await get_policies(actor)
