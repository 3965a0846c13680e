"""What the frame around every signed-in page shows, kept true by the hub."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import reflex as rx

from saasbot import routes
from saasbot.domain import accounts, reports
from saasbot.domain.accounts.endings import forget_everybody
from saasbot.domain.actor import Actor
from saasbot.domain.channels.incident_mail import DOWN
from saasbot.domain.companies.notices import dismiss_notice
from saasbot.domain.consent.accepting import accept_terms
from saasbot.domain.consent.terms_of_use import CURRENT
from saasbot.domain.reports import Attention, Notice, Trouble
from saasbot.infra.db import unit_of_work
from saasbot.infra.i18n import N_, format_when, gettext, translate
from saasbot.realtime.hub import assign, hub
from saasbot.realtime.watches import Changes, Reading
from saasbot.state import live, toasts
from saasbot.state.arguments import Line
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.patience import patient
from saasbot.state.session import NotSignedIn, current_actor, session_of

TOPICS = ("conversation", "channel", "company", "notice")
TONES = (
    ("bad", frozenset(reports.DOWN)),
    ("warn", frozenset({"starting", "pending_qr", "passkey_required", "reconnecting"})),
    ("ok", frozenset({"open"})),
    ("off", frozenset({"closed"})),
)
"""From the worst to the least: what the rail's dot says of all numbers together."""

EMAIL = "email"
"""Key of the banner of an address that is not confirmed."""
TERMS = "terms"
"""Beginning of the key of the banner of terms that were not accepted; their version follows."""

_PAUSED = {
    "key_missing": N_("The bot is paused: it has no AI model. Customers who write wait for your team."),
    "key_refused": N_("The bot is paused: the AI key was refused. Customers who write wait for your team."),
    "allowance_used": N_(
        "The bot is paused: today's share of the platform's AI model is used up. Customers who write wait for your team."
    ),
}


@dataclass(frozen=True)
class Banner:
    """A thin line above everything: something that needs an act."""

    key: str
    """What it is about; dismissing hides this one."""
    text: str
    tone: str
    act: str = ""
    href: str = ""
    """Where the act is done; without it the act is the shell's own, by the banner's key."""
    read: str = ""
    read_href: str = ""
    """What is to be read before, in a tab of its own."""


class ShellState(rx.State):
    """Small vars of their own, so that a push of the unread count carries nothing else."""

    user_name: rx.Field[str] = rx.field("")
    user_email: rx.Field[str] = rx.field("")
    company_name: rx.Field[str] = rx.field("")
    unread: rx.Field[int] = rx.field(0)
    numbers_tone: rx.Field[str] = rx.field("")
    banners: rx.Field[list[Banner]] = rx.field(default_factory=list)

    _hidden: list[str] = []
    """Banners of numbers that this tab does not want to see until their state changes."""

    @rx.event
    @patient
    async def load(self):
        """Every signed-in page begins with it: who is here, and from now on what changes around the page."""
        session = await session_of(self)
        if session is None:
            raise NotSignedIn
        actor = await live.watch(self, "shell", topics=TOPICS, load=_read, show=_show)
        assign(self, user_name=actor.name, user_email=session.email)
        await _show(self, await _read(actor, Changes(everything=True), Reading()))

    @rx.event
    async def dismiss(self, key: Line):
        """A notice is read, for everybody, by those who may; anything else is hidden in this tab until it changes."""
        kind, _, value = key.partition(":")
        actor = await current_actor(self)
        if kind == "notice" and "company.write" in actor.permissions:
            async with unit_of_work(actor):
                await dismiss_notice(actor, parse_id(value))
        else:
            self._hidden = [*self._hidden, key][-20:]
        self.banners = [banner for banner in self.banners if banner.key != key]

    @rx.event
    async def act(self, key: Line):
        """The act of a banner that leads nowhere: the mail that confirms the address goes out once more, or the terms are accepted."""
        session = await session_of(self)
        if session is None:
            raise NotSignedIn
        kind, _, version = key.partition(":")
        if kind == TERMS:
            async with unit_of_work(session.actor):
                await accept_terms(session.actor, version=version)
            forget_everybody()  # what this process remembers of the session still says that they are due
            self.banners = [banner for banner in self.banners if banner.key != key]
            return toasts.success(gettext(await locale_of(self), "You have accepted the terms"))
        if key != EMAIL:
            return None
        await accounts.request_confirmation(session.actor)
        return toasts.success(gettext(await locale_of(self), "We sent the link to {email}", email=session.email))


@dataclass(frozen=True)
class _Read:
    actor: Actor
    found: Attention


async def _read(actor: Actor, _changes: Changes, reading: Reading) -> _Read:
    async def read() -> Attention:
        async with unit_of_work(actor):
            found = await reports.read_attention(actor)
        if found.blip_until is not None:  # nothing happens then but that time has passed
            hub.tell_later(actor.company_id, "channel", _seconds_until(found.blip_until))
        return found

    return _Read(actor, await reading.once(("attention", actor.company_id), read))


def _seconds_until(moment: datetime) -> float:
    """A little later: a timer that fires early would find nothing changed."""
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) + 0.02


async def _show(state: ShellState, read: _Read) -> None:
    locale, actor, found = await locale_of(state), read.actor, read.found
    banners = [_of_trouble(trouble, actor, locale) for trouble in found.troubles]
    banners += [
        _of_notice(notice, actor, locale) for notice in found.notices if notice.details.get("reason") in _PAUSED
    ]
    if not actor.email_confirmed:
        banners.insert(1, _of_email(locale))  # a number that is down comes first, and two are shown
    if actor.terms_due:
        banners.append(_of_terms(locale))
    tone = next((tone for tone, statuses in TONES if statuses & found.statuses), "")
    assign(
        state,
        company_name=found.company_name,
        unread=found.unread,
        numbers_tone=tone,
        banners=[banner for banner in banners if banner.key not in state._hidden],
    )


def _of_email(locale: str) -> Banner:
    text = gettext(locale, "Confirm your email: until then no invitations and no warnings go out by mail.")
    return Banner(EMAIL, text, "warn", gettext(locale, "Send the link again"))


def _of_terms(locale: str) -> Banner:
    return Banner(
        f"{TERMS}:{CURRENT}",
        gettext(locale, "There are new terms of use."),
        "calm",
        gettext(locale, "Accept"),
        read=gettext(locale, "Read them"),
        read_href=routes.TERMS,
    )


def _of_trouble(trouble: Trouble, actor: Actor, locale: str) -> Banner:
    when = format_when(trouble.since, ZoneInfo(actor.timezone), locale, now=datetime.now(UTC))
    text = translate(locale, DOWN[trouble.status]).format(number=trouble.name, when=when)
    key = f"number:{trouble.channel_id}:{trouble.status}:{trouble.since.isoformat()}"
    return Banner(key, text, "danger", gettext(locale, "See the number"), routes.CHANNELS)


def _of_notice(notice: Notice, actor: Actor, locale: str) -> Banner:
    reason = notice.details["reason"]
    text, act, to = translate(locale, _PAUSED[reason]), "", ""
    if "company.secrets" in actor.permissions:
        act = gettext(locale, "Add your own key") if reason == "allowance_used" else gettext(locale, "Check the key")
        to = routes.settings("ai")
    return Banner(f"notice:{notice.id}", text, "warn", act, to)
