"""The one exception of a start that cannot go on."""


class StartError(RuntimeError):
    """Something outside the program is in the way; the message is a sentence a person can act on."""
