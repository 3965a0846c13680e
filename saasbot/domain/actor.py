"""Who acts: the first parameter of every use case."""

from dataclasses import dataclass, field
from uuid import UUID

from saasbot.domain.audit.origin import NOWHERE, Origin
from saasbot.domain.audit.refusals import refused
from saasbot.infra.errors import AppError, Forbidden
from saasbot.models import Role

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.AGENT: frozenset(
        {"inbox.read", "inbox.write", "catalogue.read", "bots.read", "channels.read", "company.read"}
    ),
}
PERMISSIONS[Role.ADMIN] = PERMISSIONS[Role.AGENT] | {
    "catalogue.write",
    "bots.write",
    "channels.write",
    "company.write",
    "team.write",
    "company.audit",
    "contacts.erase",
}
PERMISSIONS[Role.OWNER] = PERMISSIONS[Role.ADMIN] | {"company.secrets", "company.data"}


@dataclass(frozen=True, slots=True)
class Actor:
    """A person (or the system) within one company. Built only by the session and token code, never from client input."""

    company_id: UUID
    user_id: UUID | None = None
    name: str = ""
    role: Role | None = None
    locale: str = "es"
    timezone: str = "UTC"
    permissions: frozenset[str] = field(default_factory=frozenset)
    email_confirmed: bool = True
    """Whether we know that the person's mailbox is theirs: before that nothing is mailed for them or to them."""
    terms_due: bool = False
    """Whether the person has not accepted the terms that count now. They are asked, and it keeps them from nothing."""
    origin: Origin = field(default=NOWHERE, compare=False)

    @classmethod
    def person(
        cls,
        *,
        company_id: UUID,
        user_id: UUID,
        name: str,
        role: Role,
        locale: str = "es",
        timezone: str = "UTC",
        email_confirmed: bool = True,
        terms_due: bool = False,
        origin: Origin = NOWHERE,
    ) -> "Actor":
        permissions = PERMISSIONS[role]
        return cls(company_id, user_id, name, role, locale, timezone, permissions, email_confirmed, terms_due, origin)

    @classmethod
    def system(cls, company_id: UUID) -> "Actor":
        """Jobs and the runtime, acting for the company of the row they process."""
        return cls(company_id, permissions=PERMISSIONS[Role.OWNER])

    @property
    def is_system(self) -> bool:
        return self.user_id is None

    def require(self, permission: str) -> None:
        """Raises: Forbidden, when the role does not hold the permission."""
        if permission not in self.permissions:
            raise Forbidden(permission=permission)

    @property
    def person_id(self) -> UUID:
        """The account that acts. Raises: Forbidden, when nobody does."""
        if self.user_id is None:
            raise Forbidden
        return self.user_id

    async def refused(self, error: AppError) -> None:
        """What this actor tried was refused, and its unit of work is rolled back."""
        if not self.is_system:
            await refused(self, error)
