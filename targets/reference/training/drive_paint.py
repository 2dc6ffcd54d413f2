"""Paint a scene of the drive agent: 96 × 96 pixels of 32 shades a colour, flat surfaces, in whole numbers.

Flat surfaces and few shades let zlib shrink a picture to a tenth. Shading is done in integers and geometry without
any function whose last digit could differ between machines.
"""

import numpy as np
from drive_scenes import BEND_REACH, FARTHEST, Blot, Colour, Light, Scene, Thing
from numpy.typing import NDArray

SIZE = 96
SCALE = 70.0
"""Pixels of a lane's width at a distance of 1."""
MARK_WIDTH, DASH = 0.035, 1.0
PAINT: Colour = (232, 232, 224)
GLASS: Colour = (40, 48, 56)
BRAKE: Colour = (255, 32, 32)
TAIL: Colour = (112, 16, 20)
HEAD: Colour = (255, 255, 216)
SKIN: Colour = (208, 160, 128)
TRUNK: Colour = (72, 48, 32)

Picture = NDArray[np.uint8]
Area = tuple[float, float, float, float]
"""Left, right, bottom and top of a part of a thing, in its widths and heights."""
_COLUMNS = np.arange(SIZE, dtype=np.float64)[None, :] + 0.5


def shade(colour: Colour, light: Light, distance: float) -> tuple[int, ...]:
    """`colour` under `light` and through the air up to `distance`."""
    gain = min(256, light.day + int(light.beam * max(0.0, 1.0 - distance / FARTHEST)))
    fog = min(230, int(light.fog * distance))
    air = [part * light.day >> 8 for part in light.sky]
    return tuple(((part * gain >> 8) * (256 - fog) + haze * fog) >> 8 for part, haze in zip(colour, air, strict=True))


class Canvas:
    """A picture in the making, with the ground's geometry row by row."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.pixels = np.zeros((SIZE, SIZE, 3), dtype=np.int32)
        self.top = int(scene.horizon) + 1
        rows = np.arange(self.top, SIZE, dtype=np.float64) + 0.5
        self.distances = np.minimum((SIZE - scene.horizon) / (rows - scene.horizon), 40.0)
        road = scene.road
        side = road.offset / self.distances + road.heading + road.bend * np.minimum(self.distances, BEND_REACH) / 2
        self.across = ((_COLUMNS - SIZE / 2) / SCALE - side[:, None]) * self.distances[:, None]
        """Widths from the middle of the own lane, of every pixel below the horizon."""

    def paint_sky(self) -> None:
        """Fill what is above the horizon in three flat steps."""
        for step in range(3):
            gain = self.scene.light.day * (10 + 3 * step) >> 4
            rows = slice(self.top * step // 3, self.top * (step + 1) // 3)
            self.pixels[rows] = [min(255, part * gain >> 8) for part in self.scene.light.sky]

    def paint_ground(self) -> None:
        """Fill the ground, the road and its marks, row by row in the light of their distance."""
        road, ground = self.scene.road, self.pixels[self.top :]
        ground[:] = self.by_row(road.ground)
        left, right = -0.5 - road.left_lanes, 0.5 + road.right_lanes
        asphalt = (self.across > left) & (self.across < right)
        np.copyto(ground, self.by_row(road.asphalt), where=asphalt[:, :, None])
        lines = [left + 0.06, right - 0.06, *(lane + left + 1.0 for lane in range(round(right - left) - 1))]
        drawn = [self.line(at, dashed=number > 1) for number, at in enumerate(lines)]
        np.copyto(ground, self.by_row(self.faded()), where=np.logical_or.reduce(drawn)[:, :, None])

    def by_row(self, colour: Colour) -> NDArray[np.int32]:
        """`colour` in the light of each row of the ground, as a column."""
        return np.array([self.shaded(colour, distance) for distance in self.distances.tolist()], np.int32)[:, None, :]

    def shaded(self, colour: Colour, distance: float) -> tuple[int, ...]:
        """`colour` on the ground at `distance`: darker where something throws its shade."""
        dark = any(near < distance < far for near, far in self.scene.shades)
        lit = shade(colour, self.scene.light, distance)
        return tuple(part * 150 >> 8 for part in lit) if dark else lit

    def line(self, at: float, *, dashed: bool) -> NDArray[np.bool_]:
        """The pixels of a mark along the road; a thin one still fills most of a pixel."""
        half = np.maximum(MARK_WIDTH, 0.45 * self.distances / SCALE)[:, None]
        mark = np.abs(self.across - at) < half
        if dashed:
            mark &= (self.distances % (2 * DASH) < DASH)[:, None]
        return mark

    def faded(self) -> Colour:
        """The colour of the marks: the more they are worn the nearer to the road's."""
        wear = int(self.scene.road.wear * 256)
        red, green, blue = (
            (new * (256 - wear) + old * wear) >> 8 for new, old in zip(PAINT, self.scene.road.asphalt, strict=True)
        )
        return red, green, blue

    def box(self, thing: Thing, area: Area, colour: Colour, *, glows: bool = False) -> None:
        """Fill a part of an upright thing, at least one pixel of it."""
        scale = SCALE / thing.distance
        middle = SIZE / 2 + SCALE * self.scene.road.side(thing.distance) + thing.lane * scale
        foot = self.scene.horizon + (SIZE - self.scene.horizon) / thing.distance
        left, right = (int(middle + at * thing.width * scale + 64.5) - 64 for at in area[:2])
        low, high = (int(foot - at * thing.height * scale + 64.5) - 64 for at in area[2:])
        lit = colour if glows else shade(colour, self.scene.light, thing.distance)
        rows, columns = slice(max(0, high), max(0, low, high + 1)), slice(max(0, left), max(0, right, left + 1))
        self.pixels[rows, columns] = lit

    def paint_thing(self, thing: Thing) -> None:
        """Draw an upright thing out of boxes."""
        if thing.kind == "vehicle":
            self.paint_vehicle(thing)
        elif thing.kind == "person":
            self.box(thing, (-0.35, 0.35, 0.0, 0.45), (32, 32, 40))
            self.box(thing, (-0.5, 0.5, 0.42, 0.82), thing.colour)
            self.box(thing, (-0.25, 0.25, 0.82, 1.0), SKIN)
        elif thing.kind == "tree":
            self.box(thing, (-0.1, 0.1, 0.0, 0.4), TRUNK)
            self.box(thing, (-0.5, 0.5, 0.35, 0.8), thing.colour)
            self.box(thing, (-0.3, 0.3, 0.8, 1.0), thing.colour)
        elif thing.kind == "sign":
            self.box(thing, (-0.1, 0.1, 0.0, 0.7), (144, 144, 144))
            self.box(thing, (-0.5, 0.5, 0.65, 1.0), thing.colour)
        else:
            self.box(thing, (-0.5, 0.5, 0.0, 1.0), thing.colour)

    def paint_vehicle(self, thing: Thing) -> None:
        """Shadow, body, window, and two lamps: white in lanes that come towards us, red in all others."""
        self.box(thing, (-0.55, 0.55, -0.08, 0.1), (16, 16, 20))
        self.box(thing, (-0.5, 0.5, 0.08, 0.62), thing.colour)
        self.box(thing, (-0.4, 0.4, 0.6, 1.0), thing.colour)
        self.box(thing, (-0.32, 0.32, 0.62, 0.9), GLASS)
        oncoming = thing.lane < -0.5
        colour = HEAD if oncoming else BRAKE if thing.braking else TAIL
        for left in (-0.48, 0.24):
            self.box(thing, (left, left + 0.24, 0.36, 0.56), colour, glows=oncoming or thing.braking)

    def smear(self, blot: Blot) -> None:
        """Darken or brighten a part of the windscreen."""
        top, left = int(blot.top * SIZE), int(blot.left * SIZE)
        part = self.pixels[top : top + 1 + int(blot.height * SIZE), left : left + 1 + int(blot.width * SIZE)]
        part[:] = np.minimum(255, part * blot.gain >> 8)

    def finished(self) -> Picture:
        """The picture with its bands, in 32 shades a colour."""
        self.pixels += np.repeat(np.array(self.scene.bands, dtype=np.int32), 2)[:, None, None]
        return (np.clip(self.pixels, 0, 255) & 0xF8).astype(np.uint8)


def paint(scene: Scene) -> Picture:
    """Draw `scene` from back to front: [96, 96, 3] in red, green, blue."""
    canvas = Canvas(scene)
    canvas.paint_sky()
    canvas.paint_ground()
    for thing in scene.things:
        canvas.paint_thing(thing)
    for blot in scene.blots:
        canvas.smear(blot)
    return canvas.finished()
