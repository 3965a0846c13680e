"""Pictures from outside, made harmless: decoded within limits and encoded anew, without what they carried along.

What comes out holds pixels only: no EXIF (so no place where a photo was taken), no profile, no frames, no trailing bytes.
The main picture is a JPEG because WhatsApp shows those as photos; the thumbnail is a WebP because only browsers see it.

What decodes (`image_codec.py`) is loaded with the first picture: the bridges are many, and most of the time they have none.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from saasbot.infra.picture import (
    MAIN_SIDE,
    READABLE_SIDE,
    BadPicture,
    DamagedPicture,
    HugePicture,
    Picture,
    UnknownPicture,
)

__all__ = [
    "MAIN_SIDE",
    "READABLE_SIDE",
    "BadPicture",
    "DamagedPicture",
    "HugePicture",
    "Picture",
    "UnknownPicture",
    "encode_anew",
    "encode_sticker",
    "make_sticker",
]

_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="images")
"""Two decodings at a time: each may take 100 MB, and other threads must not wait for them."""


async def encode_anew(content: bytes, *, longest: int = MAIN_SIDE) -> Picture:
    """The picture upright, at most `longest` px a side, transparency on white, first frame only.

    Raises: UnknownPicture (also for SVG and HTML whatever their name), DamagedPicture, HugePicture.
    """
    return await asyncio.get_running_loop().run_in_executor(_POOL, _encode, content, longest, False)


async def encode_sticker(content: bytes, *, longest: int = MAIN_SIDE) -> Picture:
    """The same as a WebP that keeps its transparency. An animated one stands still: its first frame.

    Raises: UnknownPicture, DamagedPicture, HugePicture.
    """
    return await asyncio.get_running_loop().run_in_executor(_POOL, _encode, content, longest, True)


async def make_sticker(content: bytes) -> Picture:
    """A picture as WhatsApp takes stickers: 512 by 512 px, the rest transparent, a WebP of less than 100 kB.

    Raises: UnknownPicture, DamagedPicture, HugePicture.
    """
    return await asyncio.get_running_loop().run_in_executor(_POOL, _make_sticker, content)


def _encode(content: bytes, longest: int, sticker: bool) -> Picture:
    from saasbot.infra.image_codec import encode

    return encode(content, longest, sticker=sticker)


def _make_sticker(content: bytes) -> Picture:
    from saasbot.infra.image_codec import sticker_of

    return sticker_of(content)
