"""What was noted of a customer, as pages and programs see it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ConsentView:
    """One yes, or one that was taken back."""

    id: UUID
    granted: bool
    version: int
    """Of the company's text."""
    at: datetime
    noted_by: str
    """The name of a colleague; empty when they are gone."""
    address: str
    """`phone:…` or `lid:…`, where it was said."""
    network: str
    """Of whoever noted it."""
    source: str
