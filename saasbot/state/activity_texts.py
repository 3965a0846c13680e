"""What the activity page says of each action: who, as the subject of the sentence, stands before it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from saasbot.domain.audit import Action, Kind
from saasbot.infra.i18n import N_, format_day, format_time, gettext, translate
from saasbot.models import Via

SENTENCES: Mapping[Action, str] = {
    "access.refused": N_("was refused something that is not theirs or that their role does not allow"),
    "ai.key_changed": N_("changed the key or the address of the AI model"),
    "ai.source_chosen": N_("chose whose AI model answers"),
    "bot.added": N_("added the bot {name}"),
    "bot.changed": N_("changed the bot {name}"),
    "bot.switched": N_("switched the bot {name} on or off"),
    "channel.added": N_("added the number {name}"),
    "channel.changed": N_("changed the number {name}"),
    "channel.connected": N_("connected the number {name}"),
    "channel.deleted": N_("deleted the number {name}"),
    "channel.disconnected": N_("disconnected the number {name}"),
    "channel.history_chosen": N_("chose how much of the past the number {name} takes over"),
    "channel.linked": N_("linked a phone to the number {name}"),
    "channel.pairing_asked": N_("asked for a code to link the number {name}"),
    "channel.settings_changed": N_("changed the settings of the number {name}"),
    "channel.simulated": N_("changed the simulated phone of the number {name}"),
    "channel.unlinked": N_("unlinked the number {name}"),
    "company.bot_switched": N_("switched all bots on or off"),
    "company.changed": N_("changed the company's profile"),
    "company.erasure_asked": N_("asked to erase the company"),
    "company.erasure_cancelled": N_("took back the erasure of the company"),
    "company.export_asked": N_("asked for a copy of all data"),
    "company.export_fetched": N_("opened the link to a copy of the data"),
    "company.logo_changed": N_("changed the logo"),
    "company.notice_dismissed": N_("dismissed a notice"),
    "company.policies_changed": N_("changed the policies"),
    "company.registered": N_("registered the company"),
    "company.setup_step": N_("completed or skipped a step of the set-up"),
    "consent.given": N_("noted that a contact agreed to version {version} of the consent text"),
    "consent.text_changed": N_("wrote version {version} of the consent text"),
    "consent.withdrawn": N_("noted that a contact took their consent back"),
    "contact.erased": N_("erased a contact: everything of them is gone"),
    "contact.erasure_asked": N_("asked to erase a contact"),
    "contact.export_asked": N_("asked for a copy of the data of a contact"),
    "password.reset": N_("chose a new password"),
    "password.reset_asked": N_("asked for a new password for {name}"),
    "person.added": N_("added {name} to the team"),
    "person.changed": N_("changed their name or language"),
    "person.disabled": N_("switched off the access of {name}"),
    "person.enabled": N_("gave {name} access again"),
    "person.invitation_withdrawn": N_("withdrew an invitation to the team"),
    "person.invited": N_("invited somebody to the team"),
    "person.joined": N_("joined the team"),
    "person.removed": N_("removed {name} from the team"),
    "person.role_changed": N_("changed the role of {name}"),
    "person.terms_accepted": N_("accepted the terms of use, version {version}"),
    "product.added": N_("added the product {name}"),
    "product.changed": N_("changed the product {name}"),
    "product.deleted": N_("deleted the product {name}"),
    "product.picture_changed": N_("changed the photo of the product {name}"),
    "product.restored": N_("restored the product {name}"),
    "prompt.draft_kept": N_("began to edit the instructions of the bot {name}"),
    "prompt.published": N_("published version {version} of the instructions of the bot {name}"),
    "prompt.saved": N_("saved version {version} of the instructions of the bot {name}"),
    "session.codes_renewed": N_("made new recovery codes"),
    "session.ended": N_("signed out"),
    "session.ended_elsewhere": N_("ended a session of theirs from another"),
    "session.opened": N_("signed in"),
    "session.refused": N_("could not sign in as {name}: the password was wrong"),
    "session.switched": N_("went to another company of theirs"),
    "session.token_reused": N_("used a token a second time, so that sign-in was ended"),
    "session.two_step_off": N_("turned off two-step sign-in"),
    "session.two_step_on": N_("turned on two-step sign-in"),
    "session.two_step_replaced": N_("replaced the authenticator app"),
}

KIND_NAMES: Mapping[Kind, str] = {
    "access": N_("Refusals"),
    "ai": N_("AI"),
    "bot": N_("Bots"),
    "channel": N_("Numbers"),
    "company": N_("Company"),
    "consent": N_("Consent"),
    "contact": N_("Contacts"),
    "password": N_("Passwords"),
    "person": N_("Team"),
    "product": N_("Products"),
    "prompt": N_("Instructions"),
    "session": N_("Sign-ins"),
}

_VIA: Mapping[Via, str] = {Via.PAGE: N_("in the app"), Via.API: N_("over the API"), Via.SYSTEM: N_("by itself")}


def sentence_of(locale: str, action: str, details: Mapping[str, Any]) -> str:
    """What was done, with the names it was done to."""
    pattern = SENTENCES.get(action)  # type: ignore[call-overload]  # an older line may have another
    if pattern is None:
        return action
    named = {name: details.get(name, "–") for name in ("name", "version")}
    return translate(locale, pattern).format(**named)


def day_and_hour(moment: datetime, zone: ZoneInfo, locale: str) -> str:
    """When something was or will be: "today · 18:00"."""
    return f"{format_day(moment, zone, locale, now=datetime.now(UTC))} · {format_time(moment, zone, locale)}"


def origin_of(locale: str, via: Via, network: str, user_name: str) -> str:
    """From where: "in the app · 192.0.2.7". Of a person of whom that is not known a dash."""
    if via == Via.SYSTEM and user_name:
        return network or "–"
    return " · ".join(part for part in (translate(locale, _VIA[via]), network) if part)


def who_of(locale: str, user_name: str, via: Via, action: str) -> str:
    """A name, the program itself, or somebody who did not get in."""
    if user_name:
        return user_name
    if action in ("session.refused", "password.reset_asked"):
        return gettext(locale, "Somebody")
    return gettext(locale, "The system")
