"""Product photos of the demo shop, drawn: a shoe from the side on a soft backdrop."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

_SIDE = 800
_FINER = 2
"""Drawn twice as large, then shrunk: smooth edges."""

Point = tuple[float, float]
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Look:
    """One shoe: its shape, its colours."""

    shape: str
    upper: str
    sole: str = "#f4efe6"
    accent: str = "#ffffff"
    backdrop: str = "#e9e4dc"


def draw(look: Look) -> bytes:
    """A JPEG of 800 × 800 px."""
    size = _SIDE * _FINER
    image = _backdrop(200, _rgb(look.backdrop)).resize((size, size), Image.Resampling.BICUBIC)
    canvas = _Canvas(image)
    _SHAPES[look.shape](canvas, look)
    out = io.BytesIO()
    image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS).save(out, "JPEG", quality=90)
    return out.getvalue()


class _Canvas:
    """Shapes in a square of 100 × 100, the ground at 72."""

    def __init__(self, image: Image.Image) -> None:
        self._draw = ImageDraw.Draw(image)
        self._unit = image.width / 100

    def fill(self, path: Sequence[Point], colour: str) -> None:
        self._draw.polygon(self._scaled(path), fill=_rgb(colour))

    def line(self, path: Sequence[Point], colour: str, width: float) -> None:
        points = self._scaled(path)
        thick = round(width * self._unit)
        self._draw.line(points, fill=_rgb(colour), width=thick, joint="curve")
        for x, y in (points[0], points[-1]):
            self._draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=_rgb(colour))

    def dot(self, centre: Point, radius: float, colour: str) -> None:
        (x, y), r = self._scaled([centre])[0], radius * self._unit
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=_rgb(colour))

    def _scaled(self, path: Sequence[Point]) -> list[Point]:
        return [(x * self._unit, y * self._unit) for x, y in path]


def _curve(start: Point, *pieces: tuple[Point, Point, Point]) -> list[Point]:
    """Cubic Bézier pieces (two handles and an end each) as points."""
    points = [start]
    for first, second, end in pieces:
        origin = points[-1]
        for step in range(1, 33):
            t = step / 32
            weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
            corners = (origin, first, second, end)
            points.append(
                (
                    sum(w * x for w, (x, _) in zip(weights, corners, strict=True)),
                    sum(w * y for w, (_, y) in zip(weights, corners, strict=True)),
                )
            )
    return points


def _straight(start: Point, end: Point) -> tuple[Point, Point, Point]:
    return start, end, end


def _sole(canvas: _Canvas, colour: str, *, top: float = 65.0, thick: float = 7.0, left: float = 13.0) -> None:
    bottom = top + thick
    canvas.fill(
        _curve(
            (left, top - 1),
            ((left + 20, top + 1), (60, top + 1), (88, top - 2)),
            ((91, top - 1), (91, bottom - 3), (86, bottom - 1)),
            ((70, bottom + 0.6), (40, bottom + 0.6), (left + 4, bottom)),
            ((left - 1, bottom - 0.5), (left - 1, top + 2), (left, top - 1)),
        ),
        colour,
    )


def _sneaker(canvas: _Canvas, look: Look) -> None:
    upper = _curve(
        (15, 38),
        ((20, 41), (30, 43), (37, 39)),
        ((40, 36), (43, 32), (47, 33)),
        ((52, 40), (60, 47), (70, 51)),
        ((80, 53), (90, 56), (89, 65)),
        ((60, 68), (30, 68), (14, 66)),
        ((11, 56), (13, 47), (15, 38)),
    )
    canvas.fill(upper, look.upper)
    toe = _curve(
        (74, 52.3),
        ((83, 54), (90, 57), (89, 65)),
        ((82, 66.5), (77, 66.8), (73, 66.8)),
        ((78, 61), (77, 56), (74, 52.3)),
    )
    canvas.fill(toe, _mixed(look.upper, "#ffffff", 0.16))
    canvas.fill(
        _curve(
            (14.6, 41),
            ((17, 44), (20, 46), (24, 47)),
            ((22, 54), (22, 61), (24, 67)),
            ((20, 67), (17, 66.5), (14, 66)),
            ((11.5, 56), (13, 47), (14.6, 41)),
        ),
        _mixed(look.upper, "#000000", 0.18),
    )
    canvas.line(_curve((31, 60), ((42, 62), (50, 57), (56, 46))), look.accent, 2.2)
    for start, end in (
        ((46, 39), (52.5, 35.5)),
        ((50.5, 43), (57, 40)),
        ((55.5, 46.6), (62, 44)),
        ((61, 49.6), (67, 47.2)),
    ):
        canvas.line([start, end], look.accent, 1.5)
    _sole(canvas, look.sole)
    canvas.line(_curve((15, 69.6), ((40, 71), (65, 71), (87, 67.4))), _mixed(look.sole, "#000000", 0.12), 0.7)


def _runner(canvas: _Canvas, look: Look) -> None:
    _sneaker(canvas, look)
    canvas.fill(
        _curve(
            (12, 66),
            ((30, 69), (60, 69), (90, 64)),
            ((93, 66), (91, 71), (85, 72)),
            ((60, 74), (30, 75), (11, 74)),
            ((8, 72), (9, 68), (12, 66)),
        ),
        look.sole,
    )
    canvas.line(_curve((12, 70.5), ((35, 73), (65, 71.5), (88, 68))), look.accent, 1.1)


def _boot(canvas: _Canvas, look: Look) -> None:
    shaft = _curve(
        (22, 20),
        ((32, 18), (44, 18), (52, 20)),
        ((52, 32), (52, 40), (55, 47)),
        ((66, 50), (86, 51), (88, 66)),
        ((60, 69), (38, 69), (20, 67)),
        ((19, 50), (21, 36), (22, 20)),
    )
    canvas.fill(shaft, look.upper)
    canvas.line(_curve((22, 22.4), ((32, 20.4), (44, 20.4), (52, 22.4))), look.accent, 2.4)
    canvas.line(_curve((46, 26), ((45, 38), (47, 47), (53, 53))), _mixed(look.upper, "#ffffff", 0.35), 1.4)
    _sole(canvas, look.sole, left=18, thick=6.5)


def _ankle_boot(canvas: _Canvas, look: Look) -> None:
    upper = _curve(
        (20, 31),
        ((30, 29), (40, 29), (48, 31)),
        ((50, 40), (56, 46), (66, 50)),
        ((80, 53), (89, 56), (88, 66)),
        ((60, 69), (36, 69), (18, 67)),
        ((17, 52), (18, 42), (20, 31)),
    )
    canvas.fill(upper, look.upper)
    elastic = _curve(
        (30, 30), ((34, 29.6), (37, 29.6), (40, 30)), ((41, 42), (43, 48), (47, 54)), ((38, 55), (33, 50), (30, 30))
    )
    canvas.fill(elastic, _mixed(look.upper, "#000000", 0.42))
    canvas.line(_curve((60, 48.5), ((66, 54), (68, 60), (67, 67))), _mixed(look.upper, "#000000", 0.22), 0.8)
    canvas.line([(20.4, 31), (17.4, 26)], _mixed(look.upper, "#000000", 0.25), 1.6)
    _sole(canvas, look.sole, left=16, thick=5)
    canvas.fill([(16, 66), (32, 67), (31, 73.5), (16.5, 73.5)], look.sole)


def _sandal(canvas: _Canvas, look: Look) -> None:
    _sole(canvas, look.sole, top=64, thick=6)
    foot = _mixed(look.upper, "#ffffff", 0.45)
    canvas.line(_curve((14, 63.4), ((35, 65.5), (62, 65.5), (87, 62))), foot, 2.2)
    for path in (
        _curve((19, 63), ((22, 44), (30, 38), (40, 44))),
        _curve((40, 44), ((47, 49), (52, 56), (54, 64))),
        _curve((60, 64), ((62, 50), (76, 48), (83, 61))),
        _curve((47, 64), ((52, 52), (60, 50), (70, 52))),
    ):
        canvas.line(path, look.upper, 3.4)
    canvas.dot((40, 44), 2.6, look.accent)
    canvas.dot((40, 44), 1.3, look.upper)


def _moccasin(canvas: _Canvas, look: Look) -> None:
    upper = _curve(
        (15, 45),
        ((22, 49), (34, 52), (44, 47)),
        ((50, 43), (58, 44), (66, 48)),
        ((80, 51), (90, 57), (88, 66)),
        ((60, 68), (32, 68), (14, 66)),
        ((12, 58), (13, 51), (15, 45)),
    )
    canvas.fill(upper, look.upper)
    canvas.line(_curve((50, 50.5), ((62, 50), (77, 53), (83, 59))), _mixed(look.upper, "#000000", 0.28), 1.1)
    canvas.fill(
        _curve(
            (42, 48),
            _straight((42, 48), (47.5, 45.5)),
            ((49, 53), (48, 60), (44.5, 66.5)),
            _straight((44.5, 66.5), (38, 66.5)),
            ((42.5, 60), (43.5, 53), (42, 48)),
        ),
        look.accent,
    )
    canvas.line(_curve((15, 45.6), ((22, 49.6), (34, 52.6), (44, 47.6))), _mixed(look.upper, "#ffffff", 0.3), 1.2)
    _sole(canvas, look.sole, thick=4.5)


def _slipper(canvas: _Canvas, look: Look) -> None:
    upper = _curve(
        (14, 56),
        ((22, 60), (32, 60), (42, 52)),
        ((52, 43), (76, 45), (86, 54)),
        ((91, 59), (91, 64), (88, 67)),
        ((60, 69), (32, 69), (13, 67)),
        ((11, 63), (12, 59), (14, 56)),
    )
    canvas.fill(upper, look.upper)
    for index in range(9):
        x = 15 + index * 3.6
        canvas.dot((x, 57.4 + 1.4 * (index < 6) - max(index - 5, 0) * 1.9), 2.9, look.accent)
    canvas.line(_curve((52, 62), ((62, 58), (74, 58), (84, 61))), _mixed(look.upper, "#ffffff", 0.22), 1.2)
    _sole(canvas, look.sole, top=66, thick=4)


_SHAPES: dict[str, Callable[[_Canvas, Look], None]] = {
    "sneaker": _sneaker,
    "runner": _runner,
    "boot": _boot,
    "ankle_boot": _ankle_boot,
    "sandal": _sandal,
    "moccasin": _moccasin,
    "slipper": _slipper,
}


def _backdrop(size: int, colour: Colour) -> Image.Image:
    """Light from above left, a floor that begins below the shoe's middle."""
    round_light = Image.radial_gradient("L").resize((size * 2, size * 2))
    light = round_light.crop((int(size * 0.7), int(size * 0.75), int(size * 1.7), int(size * 1.75)))
    bright, dim = (
        Image.new("RGB", (size, size), _lighter(colour, 0.5)),
        Image.new("RGB", (size, size), _darker(colour, 0.1)),
    )
    image = Image.composite(dim, bright, light)
    floor = Image.new("L", (size, size), 0)
    ImageDraw.Draw(floor).rectangle((0, int(size * 0.62), size, size), fill=60)
    floor = floor.filter(ImageFilter.GaussianBlur(size * 0.02))
    image = Image.composite(Image.new("RGB", (size, size), _darker(colour, 0.2)), image, floor)
    _cast_shadow(image)
    return image


def _cast_shadow(image: Image.Image) -> None:
    size = image.width
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).ellipse((size * 0.1, size * 0.69, size * 0.93, size * 0.77), fill=120)
    mask = mask.filter(ImageFilter.GaussianBlur(size * 0.018))
    image.paste(Image.new("RGB", image.size, (40, 34, 30)), mask=mask)


def _rgb(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mixed(colour: str, other: str, share: float) -> str:
    pairs = zip(_rgb(colour), _rgb(other), strict=True)
    return "#" + "".join(f"{round(a * (1 - share) + b * share):02x}" for a, b in pairs)


def _lighter(colour: Colour, share: float) -> Colour:
    red, green, blue = (round(part + (255 - part) * share) for part in colour)
    return red, green, blue


def _darker(colour: Colour, share: float) -> Colour:
    red, green, blue = (round(part * (1 - share)) for part in colour)
    return red, green, blue
