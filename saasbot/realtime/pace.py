"""How long changes are gathered before tabs are told again."""

QUIET_SECONDS = 0.03
LONGEST_SECONDS = 0.5
_PER_SECOND_LATE = 4.0
_FORGET = 0.8


class Pace:
    """30 ms between two rounds, and longer while the event loop is behind: then fewer, larger pushes let it catch up."""

    def __init__(self, quiet: float = QUIET_SECONDS, longest: float = LONGEST_SECONDS) -> None:
        self._quiet = quiet
        self._longest = longest
        self._late = 0.0

    def note(self, late: float) -> None:
        """A round began `late` seconds after its time. One slow round fades over the next ones."""
        self._late = max(late, self._late * _FORGET)

    @property
    def seconds(self) -> float:
        """Until the next round may begin."""
        return min(self._quiet + _PER_SECOND_LATE * self._late, self._longest)
