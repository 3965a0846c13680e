"""Events as the library delivered them: bytes captured from its callback (neonize 0.5.2). The first byte is the event's code."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "fixtures" / "neonize"
NAMES = sorted(path.stem for path in FOLDER.glob("*.bin"))


def captured(name: str) -> tuple[int, bytes]:
    """Code and raw bytes."""
    content = (FOLDER / f"{name}.bin").read_bytes()
    return content[0], content[1:]
