"""Numbers: what the owner wants of them, what they are doing, and who holds them."""

from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.lease import LeaseLost, acquire_lease, release_lease, renew_lease
from saasbot.domain.channels.manage import (
    add_channel,
    connect,
    delete_channel,
    disconnect,
    list_channels,
    logout,
    update_channel,
)
from saasbot.domain.channels.outbox import claim_outbox
from saasbot.domain.channels.outbox_marks import mark_failed, mark_sent, mark_unconfirmed, requeue
from saasbot.domain.channels.pairing import begin_pairing, complete_pairing, fail_pairing, show_code
from saasbot.domain.channels.state import report_state

__all__ = [
    "LeaseLost",
    "access_channel",
    "acquire_lease",
    "add_channel",
    "begin_pairing",
    "claim_outbox",
    "complete_pairing",
    "connect",
    "delete_channel",
    "disconnect",
    "fail_pairing",
    "list_channels",
    "logout",
    "mark_failed",
    "mark_sent",
    "mark_unconfirmed",
    "release_lease",
    "renew_lease",
    "report_state",
    "requeue",
    "show_code",
    "update_channel",
]
