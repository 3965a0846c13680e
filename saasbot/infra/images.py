"""Pictures from outside, made harmless: decoded within limits and encoded anew, without what they carried along.

What comes out holds pixels only: no EXIF (so no place where a photo was taken), no profile, no frames, no trailing bytes.
The main picture is a JPEG because WhatsApp shows those as photos; the thumbnail is a WebP because only browsers see it.
"""

import asyncio
import io
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial

from PIL import Image, ImageCms, ImageOps

from saasbot.infra.file_types import sniff
from saasbot.infra.logging import get_logger

log = get_logger(__name__)

MAX_PIXELS = 50_000_000
"""Of a JPEG, which decodes at a fraction of its size. Phones make 48 million."""
MAX_PIXELS_DECODED = 25_000_000
"""Of any other format: 100 MB of memory while it is read."""
MAIN_SIDE = 1600
"""Longest side of a product's picture: more than a phone shows, well below WhatsApp's 5 MB."""
READABLE_SIDE = 4096
"""Longest side of a customer's picture: a receipt or a long screenshot must stay legible."""
THUMB_SIDE = 240
STICKER_SIDE, STICKER_BYTES = 512, 100_000
"""What WhatsApp takes as a sticker."""

_FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/avif": "AVIF",
}
_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="images")
"""Two decodings at a time: each may take 100 MB, and other threads must not wait for them."""

warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


class BadPicture(Exception):
    """Not a picture that can be used."""


class UnknownPicture(BadPicture):
    """Another kind of file, or a format that is not taken."""


class DamagedPicture(BadPicture):
    """It cannot be decoded to its end."""


class HugePicture(BadPicture):
    """It has more pixels than this program will decode."""


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


async def encode_anew(content: bytes, *, longest: int = MAIN_SIDE) -> Picture:
    """The picture upright, at most `longest` px a side, transparency on white, first frame only.

    Raises: UnknownPicture (also for SVG and HTML whatever their name), DamagedPicture, HugePicture.
    """
    return await asyncio.get_running_loop().run_in_executor(_POOL, _encode_anew, content, longest)


async def encode_sticker(content: bytes, *, longest: int = MAIN_SIDE) -> Picture:
    """The same as a WebP that keeps its transparency. An animated one stands still: its first frame.

    Raises: UnknownPicture, DamagedPicture, HugePicture.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_POOL, partial(_encode_anew, content, longest, sticker=True))


async def make_sticker(content: bytes) -> Picture:
    """A picture as WhatsApp takes stickers: 512 by 512 px, the rest transparent, a WebP of less than 100 kB.

    Raises: UnknownPicture, DamagedPicture, HugePicture.
    """
    return await asyncio.get_running_loop().run_in_executor(_POOL, _make_sticker, content)


def _make_sticker(content: bytes) -> Picture:
    whole = _encode_anew(content, STICKER_SIDE, sticker=True)
    with Image.open(io.BytesIO(whole.main), formats=["WEBP"]) as opened:
        fitted = ImageOps.contain(opened.convert("RGBA"), (STICKER_SIDE, STICKER_SIDE), Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (STICKER_SIDE, STICKER_SIDE))
    square.paste(fitted, ((STICKER_SIDE - fitted.width) // 2, (STICKER_SIDE - fitted.height) // 2))
    for quality in (85, 70, 50, 30, 10):
        target = io.BytesIO()
        square.save(target, "WEBP", quality=quality, method=4)
        if target.tell() <= STICKER_BYTES:
            break
    return Picture(target.getvalue(), STICKER_SIDE, STICKER_SIDE, whole.thumb, "image/webp")


def _encode_anew(content: bytes, longest: int, *, sticker: bool = False) -> Picture:
    format_ = _FORMATS.get(sniff(content))
    if format_ is None:
        raise UnknownPicture
    try:
        with Image.open(io.BytesIO(content), formats=[format_]) as opened:
            image = _decode(opened, longest, flat=not sticker)
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=3.0)
        small = image.copy()
        small.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.LANCZOS)
        main, thumb = io.BytesIO(), io.BytesIO()
        if sticker:
            image.save(main, "WEBP", quality=85, method=4)
        else:
            image.save(main, "JPEG", quality=85, optimize=True, progressive=True)
        small.save(thumb, "WEBP", quality=78, method=4)
    except BadPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise HugePicture from None
    except Exception as error:  # noqa: BLE001  # decoders raise anything on hostile bytes; the bytes are at fault
        log.info("images.refused", format=format_, size=len(content), error=type(error).__name__)
        raise DamagedPicture from None
    mime = "image/webp" if sticker else "image/jpeg"
    return Picture(main.getvalue(), image.width, image.height, thumb.getvalue(), mime)


def _decode(image: Image.Image, longest: int, *, flat: bool) -> Image.Image:
    """The first frame, upright, in sRGB; `flat` without transparency. The header's size is checked before a pixel is decoded."""
    limit = MAX_PIXELS if image.format == "JPEG" else MAX_PIXELS_DECODED
    if image.width * image.height > limit:
        raise HugePicture
    profile = image.info.get("icc_profile")
    image.draft("RGB", (longest, longest))
    upright = ImageOps.exif_transpose(image)
    if not flat:
        layers = upright.convert("RGBA")
        layers.info.clear()  # a WebP would be given what it carried
        return layers
    plain = _on_white(upright)
    return _in_srgb(plain, profile) if isinstance(profile, bytes) else plain


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I"):  # 16 bits of grey, which convert() would cut off instead of scaling
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layers = image.convert("RGBA")
    white = Image.new("RGB", layers.size, "white")
    white.paste(layers, mask=layers.getchannel("A"))
    return white


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Colours as the camera meant them: the profile itself is not kept. Wrong or foreign profiles change nothing."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, _srgb(), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return converted or image


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
