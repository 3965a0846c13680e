"""Every address of the product. Pages, components and mails take them from here and write no URL themselves."""

from urllib.parse import urlencode

DASHBOARD = "/"
LOGIN = "/login"
TWO_STEP = "/two-step"
REGISTER = "/register"
FORGOT_PASSWORD = "/forgot-password"  # noqa: S105  # an address
RESET_PASSWORD = "/reset-password"  # noqa: S105  # an address
CONFIRM_EMAIL = "/confirm-email"
INVITE = "/invite"
TERMS = "/terms"
ONBOARDING = "/onboarding"
INBOX = "/inbox"
CONVERSATION = "/inbox/[conversation_id]"
CATALOGUE = "/catalogue"
BOTS = "/bots"
BOT = "/bots/[bot_id]"
CHANNELS = "/channels"
SETTINGS = "/settings"
ACTIVITY = "/settings/activity"
DATA = "/settings/data"
PHONE = "/phone"
NOT_FOUND = "404"

# Plain HTTP routes beside the pages: a full page load, so that the socket opens again with the new cookie.
AUTH_COMPLETE = "/auth/complete"
AUTH_LOGOUT = "/auth/logout"

# Where browsers say what a page was not allowed to do.
CSP_REPORT = "/csp-report"

# Pages that a browser without a session may open.
PUBLIC = frozenset({LOGIN, TWO_STEP, REGISTER, FORGOT_PASSWORD, RESET_PASSWORD, CONFIRM_EMAIL, INVITE, TERMS})

# Pages at a fixed address, and those with an id in it.
PAGES_WITH_IDS = frozenset({CONVERSATION, BOT})
PAGES = PUBLIC | {DASHBOARD, ONBOARDING, INBOX, CATALOGUE, BOTS, CHANNELS, SETTINGS, ACTIVITY, DATA, PHONE}


def conversation(conversation_id: str) -> str:
    """The thread of one conversation."""
    return f"{INBOX}/{conversation_id}"


def bot(bot_id: str) -> str:
    """The editor of one bot."""
    return f"{BOTS}/{bot_id}"


def settings(section: str) -> str:
    """One section of the settings."""
    return f"{SETTINGS}#{section}"


def onboarding(step: str) -> str:
    """One step of the wizard."""
    return f"{ONBOARDING}?{urlencode({'step': step})}"


def inbox(filter: str) -> str:
    """The inbox with one of its lists open."""
    return f"{INBOX}?{urlencode({'filter': filter})}"


def auth_complete(ticket: str) -> str:
    """Where a one-time ticket becomes the session cookie."""
    return f"{AUTH_COMPLETE}?{urlencode({'ticket': ticket})}"


def reset_password(token: str) -> str:
    """The page that a mailed reset link opens."""
    return f"{RESET_PASSWORD}?{urlencode({'token': token})}"


def confirm_email(token: str) -> str:
    """The page that a mailed confirmation link opens."""
    return f"{CONFIRM_EMAIL}?{urlencode({'token': token})}"


def invite(token: str) -> str:
    """The page that a mailed invitation opens."""
    return f"{INVITE}?{urlencode({'token': token})}"
