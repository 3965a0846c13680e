"""What was accepted: by WhatsApp's servers from a customer, by the app from a person. None of it may be lost."""

from dataclasses import dataclass, field


@dataclass
class Accepted:
    """It may not be lost, doubled or out of order."""

    chats: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """WhatsApp ids of what a customer wrote, in order, by number and customer."""
    answers: list[str] = field(default_factory=list)
    """Texts of what people sent; each is unlike any other."""

    @property
    def inbound(self) -> int:
        return sum(map(len, self.chats.values()))
