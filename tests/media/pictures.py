"""Pictures made on the spot, kind and hostile."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageDraw


def picture(width: int = 640, height: int = 480, *, mode: str = "RGB", format: str = "JPEG", **options: Any) -> bytes:
    """A picture whose top left quarter is red, on green."""
    image = Image.new("RGB", (width, height), "green")
    ImageDraw.Draw(image).rectangle((0, 0, width // 2, height // 2), fill="red")
    out = io.BytesIO()
    image.convert(mode).save(out, format, **options)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def png_that_claims(width: int, height: int) -> bytes:
    """A few bytes whose header promises a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def ogg_opus(seconds: int = 1) -> bytes:
    """The first page of a voice note (RFC 7845): enough to know it by."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48_000, 0, 0)
    page = b"OggS" + struct.pack("<BBqIIIB", 0, 2, 0, 1, 0, 0, 1) + bytes([len(head)]) + head
    return page + bytes(2_000 * seconds)
