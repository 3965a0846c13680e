"""What a shared contact says: vCard 3.0 (RFC 2426), as WhatsApp writes it."""

import re

_WHATSAPP = re.compile(r"^(?:item\d+\.)?TEL[^:\r\n]*;waid=(\d{5,20})", re.IGNORECASE | re.MULTILINE)
_TEL = re.compile(r"^(?:item\d+\.)?TEL[^:\r\n]*:([+\d][\d\s().\-]{4,30})", re.IGNORECASE | re.MULTILINE)


def phone_of_card(vcard: str) -> str:
    """Digits of its first phone number, the one that is on WhatsApp before others; empty without any."""
    if found := _WHATSAPP.search(vcard):
        return found[1]
    found = _TEL.search(vcard)
    return re.sub(r"\D", "", found[1]) if found else ""
