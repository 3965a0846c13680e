"""The audit trail of a company: every use case that changes how it works leaves a line, and so does every refusal.

    await record(actor, "channel.deleted", channel.id, name=channel.name)

The line is part of the transaction: what is rolled back leaves none, except the refusal itself (`refusals`).
"""

from saasbot.domain.audit.actions import Action, Kind
from saasbot.domain.audit.listing import AuditFilter, list_audit
from saasbot.domain.audit.record import record

__all__ = ["Action", "AuditFilter", "Kind", "list_audit", "record"]
