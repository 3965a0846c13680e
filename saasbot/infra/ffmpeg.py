"""Sound made into what WhatsApp plays as a voice note: mono Opus in Ogg. Done by ffmpeg, the machine's own or that of its wheel;
without either, voice notes are the only thing that does not work.
"""

import array
import asyncio
import importlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from saasbot.infra.logging import get_logger

log = get_logger(__name__)

LONGEST_SECONDS = 15 * 60
_PATIENCE_SECONDS = 60
_RATE = 8_000
"""Samples a second of what the waveform is drawn from."""
_BARS = 64
"""How many values WhatsApp's waveform has, of 0 to 100."""
_FORMATS = "matroska,webm,ogg,mov,mp4,m4a,mp3,wav,aac,amr,flac"
"""What is decoded. Playlists and the like, which name other files and addresses, are not."""


class FfmpegMissing(Exception):
    """Neither the machine nor the installation has an ffmpeg."""


class NotSound(Exception):
    """It cannot be decoded as sound, or holds none."""


@dataclass(frozen=True, slots=True)
class VoiceNote:
    content: bytes
    seconds: int
    waveform: bytes


@lru_cache(maxsize=1)
def find() -> str | None:
    """The program's path; nothing when there is none."""
    if found := shutil.which("ffmpeg"):
        return found
    try:
        # a wheel that brings the program, and that an installation may leave out
        return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return None


async def voice_note(content: bytes) -> VoiceNote:
    """The sound as a voice note, at most 15 minutes of it.

    Raises: FfmpegMissing, NotSound.
    """
    program = find()
    if program is None:
        raise FfmpegMissing
    with tempfile.TemporaryDirectory(prefix="voice-") as folder:
        source, note = Path(folder, "in"), Path(folder, "out.ogg")
        await asyncio.to_thread(source.write_bytes, content)
        sound = await _run(program, source, "-ar", str(_RATE), "-f", "s16le", "pipe:1")
        if len(sound) < 2:
            raise NotSound
        opus = ("-ar", "48000", "-c:a", "libopus", "-b:a", "32k", "-application", "voip", "-map_metadata", "-1")
        await _run(program, source, *opus, "-f", "ogg", str(note))
        encoded = await asyncio.to_thread(note.read_bytes)
    samples = array.array("h", sound[: len(sound) // 2 * 2])
    return VoiceNote(encoded, max(1, round(len(samples) / _RATE)), _waveform(samples))


async def _run(program: str, source: Path, *how: str) -> bytes:
    """What it printed. Raises: NotSound."""
    process = await asyncio.create_subprocess_exec(
        program,
        *("-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", "-format_whitelist", _FORMATS),
        *("-i", str(source), "-t", str(LONGEST_SECONDS), "-vn", "-ac", "1", "-threads", "1"),
        *how,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", "")},
    )
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            printed, problem = await process.communicate()
    except TimeoutError:
        raise NotSound from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        log.info("ffmpeg.refused", problem=problem.decode(errors="replace")[-200:].replace(str(source), "in"))
        raise NotSound
    return printed


def _waveform(samples: "array.array[int]") -> bytes:
    """The loudest sample of each part, against the loudest of all."""
    part = max(1, len(samples) // _BARS)
    peaks = [max((abs(value) for value in samples[at : at + part]), default=0) for at in range(0, len(samples), part)]
    loudest = max(peaks) or 1
    bars = [round(100 * peak / loudest) for peak in peaks[:_BARS]]
    return bytes(bars + [0] * (_BARS - len(bars)))
