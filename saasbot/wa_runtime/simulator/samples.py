"""A small genuine file of each kind, for messages that bring none of their own."""

import io
import struct
from functools import lru_cache

from PIL import Image, ImageDraw

_PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""
_MP4 = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"isom", 512, b"isom", b"mp42") + struct.pack(">I4s", 8, b"mdat")
_SILENCE = b"\xf8\xff\xfe"  # an Opus packet of 20 ms (RFC 6716)
_SECONDS = 2


@lru_cache(maxsize=8)
def sample(kind: str) -> tuple[bytes, str]:
    """Content and MIME type for `image`, `sticker`, `audio`, `video` and `document`."""
    if kind == "image":
        return _picture("JPEG"), "image/jpeg"
    if kind == "sticker":
        return _picture("WEBP"), "image/webp"
    if kind == "audio":
        return _voice(), "audio/ogg; codecs=opus"
    if kind == "video":
        return _MP4, "video/mp4"
    return _PDF, "application/pdf"


def _picture(form: str) -> bytes:
    """A red shoe box on a shelf, more or less."""
    image = Image.new("RGB", (320, 240), (236, 228, 214))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 190, 320, 240), fill=(150, 111, 74))
    draw.rectangle((70, 90, 250, 190), fill=(196, 43, 43))
    draw.rectangle((62, 72, 258, 104), fill=(160, 30, 30))
    target = io.BytesIO()
    image.save(target, form, quality=80)
    return target.getvalue()


def _voice() -> bytes:
    """Silence as a voice note: Opus in Ogg (RFC 7845)."""
    head = b"OpusHead" + struct.pack("<BBHIHB", 1, 1, 0, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 9) + b"simulator" + struct.pack("<I", 0)
    packets = [_SILENCE] * (_SECONDS * 50)
    return b"".join(
        (_page(2, 0, 0, [head]), _page(0, 0, 1, [tags]), _page(4, 960 * len(packets), 2, packets)),
    )


def _page(flags: int, position: int, sequence: int, packets: list[bytes]) -> bytes:
    segments = bytes(len(packet) for packet in packets)
    header = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, position, 1, sequence, 0, len(segments)) + segments
    page = header + b"".join(packets)
    return page[:22] + struct.pack("<I", _checksum(page)) + page[26:]


def _checksum(page: bytes) -> int:
    """CRC-32 with polynomial 0x04C11DB7, not reflected (RFC 3533)."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
        value &= 0xFFFFFFFF
    return value
