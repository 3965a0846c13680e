"""What a browser says of itself, in words a person knows their devices by. Nothing is decided by it: anybody can say anything."""

from dataclasses import dataclass

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""The first that is found: those further down are named by those further up too."""
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
_LONGEST_PRODUCT = 40


@dataclass(frozen=True, slots=True)
class Device:
    """Each is empty where it is not known."""

    program: str
    system: str

    def __str__(self) -> str:
        return " · ".join(part for part in (self.program, self.system) if part)


def device_of(user_agent: str) -> Device:
    """`Mozilla/5.0 (Windows NT 10.0; …) … Chrome/142 Safari/537` → Chrome, Windows; `curl/8.5` → curl."""
    program = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    if not program and not user_agent.startswith("Mozilla/"):
        words = user_agent.partition("/")[0].split()
        program = words[0][:_LONGEST_PRODUCT] if words else ""
    return Device(program, next((name for mark, name in _SYSTEMS if mark in user_agent), ""))
