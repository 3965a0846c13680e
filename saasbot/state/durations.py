"""How long something took or lasts, in the words of a person."""

from saasbot.infra.i18n import gettext

_DAY = 86_400


def duration(seconds: float | None, locale: str) -> str:
    """`8 s`, `3 min`, `1 h 20 min`, `4 d`; a dash for nothing."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return gettext(locale, "{n} s", n=max(whole, 1))
    if whole >= 2 * _DAY:
        return gettext(locale, "{n} d", n=whole // _DAY)
    minutes = round(seconds / 60)
    if minutes < 60:
        return gettext(locale, "{n} min", n=minutes)
    return gettext(locale, "{hours} h {n} min", hours=minutes // 60, n=minutes % 60)
