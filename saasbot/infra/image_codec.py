"""Pictures decoded and encoded with Pillow: the work behind `images.py`, in threads of its pool."""

import io
import warnings
from functools import lru_cache

from PIL import Image, ImageCms, ImageOps

from saasbot.infra.file_types import sniff
from saasbot.infra.logging import get_logger
from saasbot.infra.picture import (
    MAX_FRAMES,
    MAX_PICTURE_BYTES,
    MAX_PIXELS,
    MAX_PIXELS_A_BYTE,
    MAX_PIXELS_A_BYTE_AVIF,
    MAX_PIXELS_DECODED,
    MAX_PROFILE_BYTES,
    MAX_RATIO,
    MAX_SIDE,
    STICKER_BYTES,
    STICKER_SIDE,
    THUMB_SIDE,
    BadPicture,
    DamagedPicture,
    HugePicture,
    Picture,
    UnknownPicture,
)

log = get_logger(__name__)

_FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/avif": "AVIF",
}

_SMALL_PIXELS, _SMALL_SIDE = 4_000_000, 2_000
"""Below them density and shape cost nothing: a blank screenshot, a line drawn across a page."""

warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


def sticker_of(content: bytes) -> Picture:
    whole = encode(content, STICKER_SIDE, sticker=True)
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


def encode(content: bytes, longest: int, *, sticker: bool = False) -> Picture:
    format_ = _FORMATS.get(sniff(content))
    if format_ is None:
        raise UnknownPicture
    if len(content) > MAX_PICTURE_BYTES:
        raise HugePicture
    try:
        with Image.open(io.BytesIO(content), formats=[format_]) as opened:
            image = _decode(opened, len(content), longest, flat=not sticker)
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


def _decode(image: Image.Image, size: int, longest: int, *, flat: bool) -> Image.Image:
    """The first frame, upright, in sRGB; `flat` without transparency. What the header says is checked before a pixel is decoded."""
    _check(image, size)
    profile = image.info.get("icc_profile")
    image.draft("RGB", (longest, longest))
    upright = ImageOps.exif_transpose(image)
    if not flat:
        layers = upright.convert("RGBA")
        layers.info.clear()  # a WebP would be given what it carried
        return layers
    plain = _on_white(upright)
    return _in_srgb(plain, profile) if isinstance(profile, bytes) else plain


def _check(image: Image.Image, size: int) -> None:
    """Raises: HugePicture. A file of `size` bytes whose header has been read, and nothing else."""
    pixels, (short, long) = image.width * image.height, sorted(image.size)
    # phones put a second picture behind the first (MPO); it decodes at a fraction of its size all the same
    if pixels > (MAX_PIXELS if image.format in ("JPEG", "MPO") else MAX_PIXELS_DECODED):
        raise HugePicture
    if long > MAX_SIDE or (long > _SMALL_SIDE and long > short * MAX_RATIO):
        raise HugePicture
    dense = MAX_PIXELS_A_BYTE_AVIF if image.format == "AVIF" else MAX_PIXELS_A_BYTE
    if pixels > max(_SMALL_PIXELS, size * dense):
        raise HugePicture
    if len(image.info.get("icc_profile") or b"") > MAX_PROFILE_BYTES:
        raise HugePicture
    # a GIF counts its frames by reading all of them, and its first is all that is read here
    if image.format != "GIF" and getattr(image, "n_frames", 1) > MAX_FRAMES:
        raise HugePicture


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
