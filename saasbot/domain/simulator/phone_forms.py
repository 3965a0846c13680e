"""Under which digits the simulated network knows a phone number: as WhatsApp does where people write one in two ways.

Brazil: `55 DD 9XXXX XXXX` and, older, without the 9: WhatsApp keeps the 9 up to area code 28 and leaves it out above. Mexico:
`52 1 …` and `52 …`: WhatsApp keeps the 1. Argentina: `54 9 …` and `54 …`: WhatsApp keeps the 9.
"""

import re
from uuid import UUID

from saasbot.infra.db import sql

_NOBODY = "404404"
"""A number that ends so is nobody's, so that one can see what then happens."""
_LAST_AREA_WITH_9 = 28
_BRAZIL = re.compile(r"55(\d\d)9?([6-9]\d{7})")
_MEXICO = re.compile(r"521?(\d{10})")
_ARGENTINA = re.compile(r"549?(\d{10})")


def forms_of(phone: str) -> list[str]:
    """Every way to write these digits, the one of WhatsApp first."""
    if found := _BRAZIL.fullmatch(phone):
        area, rest = found.groups()
        both = [f"55{area}9{rest}", f"55{area}{rest}"]
        return both if int(area) <= _LAST_AREA_WITH_9 else both[::-1]
    if found := _MEXICO.fullmatch(phone):
        return [f"521{found[1]}", f"52{found[1]}"]
    if found := _ARGENTINA.fullmatch(phone):
        return [f"549{found[1]}", f"54{found[1]}"]
    return [phone]


async def registered_as(channel_id: UUID, phone: str) -> str | None:
    """The digits of whoever has this number; nothing when nobody does. Somebody who has chatted is known as they were then."""
    forms = forms_of(phone)
    rows = await sql(
        "SELECT peer FROM sim_customer WHERE channel_id = :channel AND peer = ANY(:forms)",
        channel=channel_id,
        forms=forms,
    )
    known = set(rows.scalars())
    found = phone if phone in known else next((form for form in forms if form in known), None)
    return found or (None if phone.endswith(_NOBODY) else forms[0])
