"""Draw scenes of the drive agent at random, every decision equally likely.

Only `Random.random` is used: its stream is the same on every machine and in every Python version.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from drive_scenes import (
    AIM_DISTANCE,
    FAR,
    FARTHEST,
    LABELS,
    MIDDLE,
    NEAR,
    STRAIGHT,
    Blot,
    Colour,
    Light,
    Road,
    Scene,
    Thing,
)

T = TypeVar("T")

PAINTS: tuple[Colour, ...] = (
    (200, 200, 208), (40, 40, 48), (150, 20, 24), (24, 56, 140), (96, 104, 112), (216, 200, 160), (24, 88, 56),
)  # fmt: skip
CLOTHES: tuple[Colour, ...] = ((208, 48, 48), (40, 64, 192), (240, 208, 48), (232, 112, 24), (216, 216, 216))
GROUNDS: tuple[Colour, ...] = ((72, 112, 48), (120, 112, 64), (104, 96, 88), (200, 204, 208), (56, 88, 56))
ASPHALTS: tuple[Colour, ...] = ((80, 80, 84), (104, 104, 104), (64, 64, 72), (120, 112, 104))


def between(random: Random, low: float, high: float) -> float:
    """Draw evenly from `low` to `high`."""
    return low + (high - low) * random.random()


def pick(random: Random, items: Sequence[T]) -> T:
    """Draw one of `items`."""
    return items[int(random.random() * len(items))]


def draw_road(random: Random, steer: str) -> Road:
    """Draw a road whose lane asks to `steer`."""
    aim = between(random, -STRAIGHT, STRAIGHT)
    if steer != "straight":
        aim = between(random, STRAIGHT, 0.36) * (-1 if steer == "left" else 1)
    offset, heading = between(random, -0.28, 0.28), between(random, -0.14, 0.14)
    lanes = 1 + int(random.random() * 3)
    left = int(random.random() * lanes)
    return Road(
        offset=offset,
        heading=heading,
        bend=(aim - offset / AIM_DISTANCE - heading) * 2 / AIM_DISTANCE,
        left_lanes=left,
        right_lanes=lanes - 1 - left,
        asphalt=pick(random, ASPHALTS),
        ground=pick(random, GROUNDS),
        wear=between(random, 0.0, 1.0) if random.random() < 0.3 else 0.0,
    )


def draw_light(random: Random) -> Light:
    """Draw a day, a dusk, a fog or a night."""
    kind = pick(random, ("day", "day", "day", "dusk", "fog", "night"))
    if kind == "day":
        day = int(between(random, 190, 256))
        return Light(day=day, beam=0, fog=int(between(random, 0, 5)), sky=(136, 176, 224))
    if kind == "dusk":
        return Light(day=int(between(random, 110, 170)), beam=60, fog=int(between(random, 0, 6)), sky=(184, 128, 104))
    if kind == "fog":
        return Light(day=int(between(random, 170, 230)), beam=0, fog=int(between(random, 12, 24)), sky=(192, 192, 196))
    return Light(day=int(between(random, 40, 70)), beam=180, fog=int(between(random, 0, 4)), sky=(40, 48, 80))


def vehicle(random: Random, lane: float, distance: float, braking: bool) -> Thing:
    """A vehicle seen from behind, or from the front when it comes towards us."""
    wide = random.random() < 0.2
    return Thing(
        kind="vehicle",
        lane=lane + between(random, -0.08, 0.08),
        distance=distance,
        colour=pick(random, PAINTS),
        width=between(random, 0.62, 0.70) if wide else between(random, 0.48, 0.58),
        height=between(random, 0.62, 0.85) if wide else between(random, 0.36, 0.48),
        braking=braking,
    )


def person(random: Random, lane: float, distance: float) -> Thing:
    """Somebody on foot."""
    height = between(random, 0.46, 0.58)
    return Thing(
        kind="person",
        lane=lane,
        distance=distance,
        colour=pick(random, CLOTHES),
        width=height * 0.36,
        height=height,
    )


def in_own_lane(random: Random, hazard: str) -> tuple[Thing, ...]:
    """Draw what is in the own lane for `hazard`."""
    near, middle, far = (between(random, low, high) for low, high in (NEAR, MIDDLE, FAR))
    walks = random.random() < 0.15
    aside = between(random, -0.36, 0.36)
    if hazard == "clear":
        return () if walks or random.random() < 0.4 else (vehicle(random, 0.0, far, False),)
    if hazard == "slow":
        if walks:
            return (person(random, aside, far * 0.4 + FAR[0] * 0.6),)
        braking = random.random() < 0.4
        return (vehicle(random, 0.0, far if braking else middle, braking),)
    if walks:
        return (person(random, aside, pick(random, (near, middle))),)
    braking = random.random() < 0.5
    return (vehicle(random, 0.0, middle if braking else near, braking),)


def elsewhere(random: Random, road: Road) -> list[Thing]:
    """Draw what asks for nothing: traffic in the other lanes, people and things beside the road."""
    lanes = [float(lane) for lane in range(-road.left_lanes, road.right_lanes + 1) if lane]
    things = [
        vehicle(random, lane, between(random, 1.3, FARTHEST), random.random() < 0.4)
        for lane in lanes
        if random.random() < 0.6
    ]
    for _ in range(int(random.random() * 5)):
        left = random.random() < 0.5
        edge = -0.5 - road.left_lanes if left else 0.5 + road.right_lanes
        things.append(beside(random, edge, -1.0 if left else 1.0))
    return things


def beside(random: Random, edge: float, outward: float) -> Thing:
    """Draw one thing beyond the edge of the road."""
    kind = pick(random, ("tree", "post", "sign", "person", "vehicle"))
    distance = between(random, 1.6, FARTHEST)
    if kind == "vehicle":
        return vehicle(random, edge + outward * between(random, 0.42, 0.8), distance, random.random() < 0.2)
    if kind == "person":
        return person(random, edge + outward * between(random, 0.22, 0.9), distance)
    width, height, colour = {
        "tree": (between(random, 0.5, 0.9), between(random, 0.9, 1.6), (32, 72, 32)),
        "post": (0.06, 0.4, (208, 208, 208)),
        "sign": (0.2, between(random, 0.5, 0.7), pick(random, ((192, 24, 24), (24, 64, 176), (224, 200, 40)))),
    }[kind]
    lane = edge + outward * between(random, 0.25, 1.6)
    return Thing(kind=kind, lane=lane, distance=distance, colour=colour, width=width, height=height)


def visible(road: Road, thing: Thing) -> bool:
    """Whether the middle of `thing` is in the picture."""
    return abs(road.side(thing.distance) + thing.lane / thing.distance) < 0.58


def draw_blots(random: Random) -> tuple[Blot, ...]:
    """Draw dirt and drops on the windscreen."""
    return tuple(
        Blot(
            left=random.random(),
            top=random.random(),
            width=between(random, 0.03, 0.16),
            height=between(random, 0.03, 0.16),
            gain=int(pick(random, (60, 140, 340))),
        )
        for _ in range(int(random.random() * random.random() * 6))
    )


def draw_shades(random: Random) -> tuple[tuple[float, float], ...]:
    """Draw the shade of trees and bridges across the road."""
    starts = [between(random, 1.0, FARTHEST) for _ in range(int(random.random() * 3))]
    return tuple((start, start * between(random, 1.1, 1.5)) for start in starts)


def draw_bands(random: Random) -> tuple[int, ...]:
    """Draw the unevenness of the sensor: most often none."""
    depth = pick(random, (0, 0, 8, 16))
    return tuple(int(between(random, -depth, depth + 1)) for _ in range(48))


def draw_scene(random: Random) -> Scene:
    """Draw a scene: first what it shall ask for, then a road and things that do."""
    steer, hazard = pick(random, LABELS).split("_")
    while True:
        road, own = draw_road(random, steer), in_own_lane(random, hazard)
        if all(visible(road, thing) for thing in own):
            break
    things = sorted([*own, *elsewhere(random, road)], key=lambda thing: -thing.distance)
    return Scene(
        horizon=between(random, 30.0, 40.0),
        road=road,
        light=draw_light(random),
        things=tuple(things),
        blots=draw_blots(random),
        shades=draw_shades(random),
        bands=draw_bands(random),
    )
