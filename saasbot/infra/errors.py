"""The one error that users may see: a sentence for a person and a code for a program."""

from typing import Any, ClassVar


class AppError(Exception):
    """A request that cannot be done, for a reason its sender can act on.

    Subclasses live beside the use case that raises them. `code` is stable and public; `message` is the English sentence,
    also the key of its translation; `details` are its placeholders and go to programs as they are.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    message: ClassVar[str] = "That did not work."

    def __init__(self, **details: Any) -> None:
        self.details = details
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        return self.message.format(**self.details) if self.details else self.message


class NotFound(AppError):
    """Missing and foreign are the same answer: nobody learns what others have."""

    code = "not_found"
    status = 404
    message = "That does not exist or is not yours."


class Forbidden(AppError):
    code = "forbidden"
    status = 403
    message = "Your role does not allow this."


class DatabaseUnavailable(AppError):
    """An edge says so of `infra.db.UNAVAILABLE`; nothing was done."""

    code = "database_unavailable"
    status = 503
    message = "The database does not answer right now. Try again in a moment."


class InvalidInput(AppError):
    """`field` names the input, `problem` says in a sentence what is wrong with it; `params` fill its placeholders."""

    code = "invalid_input"
    status = 422
    message = "{problem}"

    def __init__(self, field: str, problem: str, **params: Any) -> None:
        self.field, self.problem, self.params = field, problem, params
        super().__init__(field=field, problem=problem.format(**params) if params else problem)
