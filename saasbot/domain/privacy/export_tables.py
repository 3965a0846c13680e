"""What an export holds: which tables, which of their rows, and which columns never leave."""

from collections.abc import Mapping

from sqlalchemy import Table
from sqlmodel import SQLModel

NEVER: Mapping[str, str] = {
    "channel_lease": "who holds a number, of the moment",
    "channel_pairing": "the code on screen",
    "company_erasure": "about the erasure itself",
    "contact_erasure": "whom it names is being forgotten; the trail has when",
    "data_export": "about the exports themselves",
    "history_chunk": "what is worked off is in the messages",
    "idempotency_key": "remembered answers",
    "refresh_token": "secrets",
    "sign_in_ticket": "secrets",
    "sim_customer": "the simulated network",
    "sim_event": "the simulated network",
    "sim_message": "the simulated network",
    "sim_number": "the simulated network",
    "sim_presence": "the simulated network",
    "user_session": "secrets",
    "wa_event": "what is worked off is in the messages",
    "waiting_receipt": "of the moment",
}
"""Tables of a company that no export holds, and why. Every other one is exported: a test names them."""

_CONSENTS = "identity_id IN (SELECT id FROM contact_identity WHERE company_id = :company AND contact_id = :contact)"
_AGREED_TO = f"CAST(version AS text) IN (SELECT text_version FROM consent WHERE company_id = :company AND {_CONSENTS})"  # noqa: S608  # our own words

OF_A_CONTACT: Mapping[str, str] = {
    "contact": "id = :contact",
    "contact_identity": "contact_id = :contact",
    "conversation": "contact_id = :contact",
    "message": "(conversation_id = ANY(:chats) OR author_jid = ANY(:jids))",
    "message_act": "contact_id = :contact",
    "outgoing_act": "conversation_id = ANY(:chats)",
    "agent_turn": "conversation_id = ANY(:chats)",
    "draft": "conversation_id = ANY(:chats)",
    "media": "id = ANY(:media)",
    "consent": _CONSENTS,
    "consent_text": _AGREED_TO,
}
"""The rows of one contact. Parameters: `contact`, `chats`, `jids`, `media`."""

_SECRET = ("_sealed", "_hash", "_secret")


def company_tables() -> list[str]:
    """In the order of their names, `company` first."""
    found = sorted(name for name, table in SQLModel.metadata.tables.items() if "company_id" in table.c)
    return ["company", *(name for name in found if name not in NEVER)]


def columns_of(name: str) -> list[str]:
    """Without secrets: sealed values, hashes of tokens, keys of polls."""
    table: Table = SQLModel.metadata.tables[name]
    return [column.name for column in table.columns if not column.name.endswith(_SECRET)]


def query_of(name: str, *, contact: bool) -> str:
    """Rows of the company's (or the contact's) as JSON text, one each. Parameter: `company`, and those of `OF_A_CONTACT`."""
    columns = ", ".join(f't."{column}"' for column in columns_of(name))
    whose = "t.id = :company" if name == "company" else "t.company_id = :company"
    which = f"{whose} AND {OF_A_CONTACT[name]}" if contact else whose
    return f'SELECT CAST(row_to_json(r) AS text) FROM (SELECT {columns} FROM "{name}" t WHERE {which}) r'  # noqa: S608  # names of our own tables


PEOPLE = (
    "SELECT CAST(row_to_json(r) AS text) FROM (SELECT u.id, u.name, u.email, u.locale, m.role FROM user_account u "
    "JOIN membership m ON m.user_id = u.id WHERE m.company_id = :company) r"
)
"""The team: the app role sees of an account what colleagues see."""
