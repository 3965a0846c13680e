"""What bodies of requests have in common: unknown members are refused, and numbers and booleans are not guessed from text."""

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Strict, model_validator

_LONGEST_TEXT = 100_000
_DEEPEST = 8


def _storable(text: str) -> str:
    """PostgreSQL stores no NUL, and a lone surrogate has no UTF-8."""
    if "\x00" in text or len(text) > _LONGEST_TEXT:
        raise ValueError("holds a NUL character or is too long")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("is not well-formed Unicode") from None
    return text


Text = Annotated[str, AfterValidator(_storable)]
"""A string from a query or a header that may be stored or compared."""
Number = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]


class Body(BaseModel):
    """The base of request bodies."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _only_storable_text(cls, data: Any) -> Any:
        check_storable(data)
        return data


class Changes(Body):
    """The base of changes to what GET answers as `shown`: of that, what cannot be changed here may be sent back, and is ignored
    (as AIP-203 has it for output-only fields).
    """

    shown: ClassVar[type[BaseModel]]

    @model_validator(mode="before")
    @classmethod
    def _without_what_is_only_shown(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        only_shown = cls.shown.model_fields.keys() - cls.model_fields.keys()
        return {name: value for name, value in data.items() if name not in only_shown}


def check_storable(value: Any, levels: int = _DEEPEST) -> None:
    """Raises: ValueError, when a string anywhere inside cannot be stored, or it is nested too deeply."""
    if levels == 0:
        raise ValueError("is nested too deeply")
    if isinstance(value, str):
        _storable(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            check_storable(key, levels - 1)
            check_storable(item, levels - 1)
    elif isinstance(value, list):
        for item in value:
            check_storable(item, levels - 1)
