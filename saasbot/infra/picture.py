"""What a picture from outside may be, and what is made of it (`images.py`)."""

from dataclasses import dataclass

MAX_PIXELS = 50_000_000
"""Of a JPEG, which decodes at a fraction of its size. Phones make 48 million."""
MAX_PIXELS_DECODED = 25_000_000
"""Of any other format: 100 MB of memory while it is read."""
MAX_SIDE, MAX_RATIO = 16_384, 50
"""A strip of one pixel by millions costs every step as much as a picture and shows nothing."""
MAX_PIXELS_A_BYTE, MAX_PIXELS_A_BYTE_AVIF = 1_000, 5_000
"""Of large pictures: formats pack one colour almost without limit. A drawing has some 300, a photo fewer than 20."""
MAX_PROFILE_BYTES = 4 * 1024 * 1024
"""Of a colour profile, which another library reads. A printer's has up to 3 MB."""
MAX_FRAMES = 2_000
"""A decoder may look at all frames of an animation before it gives the first."""
MAX_PICTURE_BYTES = 25 * 1024 * 1024
"""What is larger is a file and no picture: it is kept and never decoded."""
MAIN_SIDE = 1600
"""Longest side of a product's picture: more than a phone shows, well below WhatsApp's 5 MB."""
READABLE_SIDE = 4096
"""Longest side of a customer's picture: a receipt or a long screenshot must stay legible."""
THUMB_SIDE = 240
STICKER_SIDE, STICKER_BYTES = 512, 100_000
"""What WhatsApp takes as a sticker."""


class BadPicture(Exception):
    """Not a picture that can be used."""


class UnknownPicture(BadPicture):
    """Another kind of file, or a format that is not taken."""


class DamagedPicture(BadPicture):
    """It cannot be decoded to its end."""


class HugePicture(BadPicture):
    """It has more pixels, bytes or frames than this program will decode, or a shape that nobody means."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture encoded here: `main` is a JPEG (a WebP of a sticker) of `width` × `height`, `thumb` a WebP of at most 240 px
    a side."""

    main: bytes
    width: int
    height: int
    thumb: bytes
    mime: str = "image/jpeg"
    thumb_mime: str = "image/webp"
