"""Which number the phone on screen shows."""

from saasbot.domain.simulator.phone import PhoneNumber, preferred
from saasbot.models.table import new_id


def number(status: str, *, shows_qr: bool = False) -> PhoneNumber:
    return PhoneNumber(new_id(), status, status, None, shows_qr=shows_qr, asks_code=False)


CLOSED, OPEN, NEWER, WAITS, STOPPED = (
    number("closed"),
    number("open"),
    number("open"),
    number("pending_qr", shows_qr=True),
    number("closed"),
)


def test_the_chosen_one_then_one_that_waits_then_the_newest_that_works():
    assert preferred([CLOSED, OPEN, WAITS, STOPPED], OPEN.id) == OPEN
    assert preferred([CLOSED, OPEN, WAITS, STOPPED], None) == WAITS
    assert preferred([CLOSED, OPEN, NEWER, STOPPED], new_id()) == NEWER
    assert preferred([CLOSED, STOPPED], None) == STOPPED
    assert preferred([], None) is None
