"""What comes from outside is encoded anew, or refused with a sentence."""

import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from saasbot.infra import image_codec
from saasbot.infra.images import (
    BadPicture,
    DamagedPicture,
    HugePicture,
    UnknownPicture,
    encode_anew,
    encode_sticker,
)
from tests.attack.attempts import attempt
from tests.media.pictures import opened, picture, png_that_claims


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
async def test_every_usual_format_becomes_a_jpeg_and_a_small_webp(format: str) -> None:
    made = await encode_anew(picture(2400, 1200, format=format))
    main, thumb = opened(made.main), opened(made.thumb)
    assert (main.format, main.size, (made.width, made.height)) == ("JPEG", (1600, 800), (1600, 800))
    assert (thumb.format, thumb.size) == ("WEBP", (240, 120))
    red, green, _blue = main.getpixel((10, 10))  # type: ignore[misc]
    assert red > 200 > 60 > green


async def test_a_small_picture_is_not_blown_up() -> None:
    made = await encode_anew(picture(30, 20))
    assert opened(made.main).size == opened(made.thumb).size == (30, 20)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "RGBA", "LA", "I;16"])
async def test_every_colour_mode_becomes_rgb(mode: str) -> None:
    format = "TIFF" if mode == "CMYK" else "PNG"
    content = picture(64, 64, mode=mode, format="JPEG" if format == "TIFF" else format)
    assert opened((await encode_anew(content)).main).mode == "RGB"


async def test_grey_of_sixteen_bits_keeps_its_brightness() -> None:
    out = io.BytesIO()
    Image.new("I;16", (32, 32), 32_768).save(out, "PNG")
    grey = opened((await encode_anew(out.getvalue())).main).getpixel((5, 5))
    assert isinstance(grey, tuple)
    assert 120 <= grey[0] <= 136


async def test_transparent_parts_are_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (50, 50), (255, 0, 0, 0)).save(out, "PNG")
    assert opened((await encode_anew(out.getvalue())).main).getpixel((25, 25)) == (255, 255, 255)


async def test_a_sticker_keeps_its_transparency_and_nothing_else() -> None:
    out = io.BytesIO()
    sticker = Image.new("RGBA", (600, 300), (255, 0, 0, 0))
    exif = Image.Exif()
    exif[0x010F] = "Camera of Ana"
    sticker.save(
        out, "WEBP", exif=exif.tobytes(), icc_profile=b"profile of Ana", save_all=True, append_images=[sticker]
    )
    assert b"Camera of Ana" in out.getvalue()
    made = await encode_sticker(out.getvalue())
    main = opened(made.main)
    assert (main.format, main.mode, main.size, made.mime) == ("WEBP", "RGBA", (600, 300), "image/webp")
    assert main.getpixel((5, 5))[3] == 0  # type: ignore[index]
    assert b"Ana" not in made.main + made.thumb
    assert getattr(main, "n_frames", 1) == 1


@attempt(126, "privacy", "A photo is asked where it was taken.")
async def test_it_stands_upright_and_does_not_tell_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by 90°
    exif[0x010F] = "Camera of Ana"
    exif.get_ifd(0x8825)[2] = (34.0, 36.0, 12.0)  # GPS latitude
    content = picture(400, 200, exif=exif.tobytes())
    assert b"Camera of Ana" in content

    made = await encode_anew(content)

    assert (made.width, made.height) == (200, 400)
    for encoded in (made.main, made.thumb):
        image = opened(encoded)
        assert not image.getexif()
        assert not {"exif", "icc_profile", "comment", "xmp"} & set(image.info)
        assert b"Camera of Ana" not in encoded


async def test_colours_of_a_foreign_profile_are_converted() -> None:
    wide = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    made = await encode_anew(picture(64, 64, icc_profile=wide.tobytes()))
    assert "icc_profile" not in opened(made.main).info
    assert opened((await encode_anew(picture(64, 64, icc_profile=b"nonsense"))).main).size == (64, 64)


async def test_only_the_first_frame_of_an_animation_is_kept() -> None:
    frames = [Image.new("RGB", (40, 40), (n, 0, 255 - n)) for n in range(200)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    made = await encode_anew(out.getvalue())
    assert getattr(opened(made.main), "n_frames", 1) == 1
    assert not getattr(opened(made.thumb), "is_animated", False)


@attempt(82, "files", "Something else is uploaded under the name and type of a photo.")
@pytest.mark.parametrize(
    "content",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        b"<!DOCTYPE html><html><script>alert(1)</script></html>",
        b"%PDF-1.7 not a photo",
        b"MZ\x90\x00" + bytes(100),
        b"just text",
        b"\0" * 1000,
    ],
)
async def test_what_is_no_photo_is_refused_whatever_its_name(content: bytes) -> None:
    with pytest.raises(UnknownPicture):
        await encode_anew(content)


@attempt(83, "files", "A script is hidden behind the bytes of a genuine photo.")
async def test_a_script_hidden_behind_a_photo_does_not_come_through() -> None:
    made = await encode_anew(picture() + b"<script>alert(1)</script>")
    assert b"<script>" not in made.main + made.thumb


async def test_a_damaged_photo_is_refused() -> None:
    whole = picture(800, 600, format="PNG")
    with pytest.raises(DamagedPicture):
        await encode_anew(whole[: len(whole) // 2])


@attempt(84, "files", "A small file unpacks into an enormous picture.")
@pytest.mark.parametrize("size", [(60_000, 60_000), (30_000, 1_000), (2**31 - 1, 2**31 - 1), (12_000, 12_000)])
async def test_a_decompression_bomb_is_refused_by_its_header(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    never_decode(monkeypatch)
    with pytest.raises(HugePicture):
        await encode_anew(png_that_claims(*size))


def never_decode(monkeypatch: pytest.MonkeyPatch, why: str = "") -> None:
    def decoded(*_: object) -> None:
        raise AssertionError(f"decoded: {why}")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoded)


def blank(width: int, height: int, format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("1" if format == "PNG" else "RGB", (width, height), 1).save(out, format, **options)
    return out.getvalue()


@attempt(207, "files", "A picture one pixel high and millions wide is sent.")
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (blank(16_385, 400, "PNG"), "a side that is too long"),
        (blank(10_000, 150, "PNG"), "a strip"),
        (blank(150, 10_000, "JPEG"), "a strip, upright"),
        (blank(4_800, 5_000, "PNG"), "24 million pixels in 3 kB"),
        (blank(4_800, 5_000, "AVIF"), "24 million pixels in 2 kB"),
        (picture(64, 64, icc_profile=bytes(5_000_000)), "a profile of 5 MB"),
        (picture(64, 64) + bytes(25 * 1024 * 1024), "a picture of 25 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_nobody_means_is_refused_before_a_pixel_is_decoded(
    content: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_decode(monkeypatch, why)
    with pytest.raises(HugePicture):
        await encode_anew(content)


@attempt(208, "files", "An animation of endless frames is sent.")
async def test_an_animation_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [Image.new("RGB", (8, 8), (n * 20, 255 - n * 20, 0)) for n in range(12)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    assert (await encode_anew(out.getvalue())).width == 8
    monkeypatch.setattr(image_codec, "MAX_FRAMES", 10)
    with pytest.raises(HugePicture):
        await encode_anew(out.getvalue())


@pytest.mark.parametrize(
    "content",
    [blank(1_080, 1_920, "PNG"), blank(1_080, 1_920, "AVIF"), blank(1_900, 3, "PNG"), picture(1_080, 15_000)],
    ids=["blank screenshot", "blank AVIF", "line", "long screenshot"],
)
async def test_pictures_that_look_odd_and_are_meant_are_taken(content: bytes) -> None:
    assert (await encode_anew(content)).main


async def test_a_photo_of_a_modern_phone_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    content = picture(8000, 6000)  # 48 million pixels
    assert (await encode_anew(content)).width == 1600
    monkeypatch.setattr(image_codec, "MAX_PIXELS", 40_000_000)
    with pytest.raises(HugePicture):
        await encode_anew(content)


@attempt(85, "files", "Pictures are damaged at random to break the decoder.")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
async def test_no_damage_does_more_than_a_refusal(data: st.DataObject) -> None:
    format = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "AVIF"]))
    content = bytearray(picture(48, 48, format=format))
    for _ in range(data.draw(st.integers(1, 12))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        made = await encode_anew(bytes(content))
    except BadPicture:
        return
    assert opened(made.main).format == "JPEG"
