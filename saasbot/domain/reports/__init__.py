"""Figures over what happened: today at a glance, what needs an act now, what a new company still lacks."""

from saasbot.domain.reports.attention import (
    DOWN,
    Attention,
    Notice,
    Trouble,
    calm_status,
    first_blip_end,
    read_attention,
)
from saasbot.domain.reports.hand_offs import HandOff, last_hand_offs
from saasbot.domain.reports.setup import Setup, read_setup
from saasbot.domain.reports.today import COUNTED, Today, Waiting, read_today

__all__ = [
    "COUNTED",
    "DOWN",
    "Attention",
    "HandOff",
    "Notice",
    "Setup",
    "Today",
    "Trouble",
    "Waiting",
    "calm_status",
    "first_blip_end",
    "last_hand_offs",
    "read_attention",
    "read_setup",
    "read_today",
]
