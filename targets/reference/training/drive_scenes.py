"""The drive agent's scenes: a road, what stands on it and beside it, the light, and the decision they ask for.

The decision has two halves. *Steer* follows the middle of the own lane four car-lengths ahead: its offset, its
direction and its bend together. *Hazard* is what happens in the own lane: nothing near is `clear`; a vehicle at a
middle distance, or a far one that brakes, is `slow`; a near one, or a middle one that brakes, is `brake`; a person
in the lane asks for one step more than a vehicle. What drives in other lanes or stands beside the road asks for
nothing. So the label is in a few pixels and in where they are, not in how the picture looks as a whole.

Lengths are lane widths; a distance of 1 is where the lower edge of the picture meets the road.
"""

from dataclasses import dataclass

STEERS = ("left", "straight", "right")
HAZARDS = ("clear", "slow", "brake")
LABELS = tuple(f"{steer}_{hazard}" for steer in STEERS for hazard in HAZARDS)

AIM_DISTANCE = 4.0
STRAIGHT = 0.1
"""Up to so much to either side, in widths per distance, the wheel stays where it is."""
NEAR, MIDDLE, FAR = (1.25, 2.1), (2.4, 4.2), (5.2, 9.0)
"""Distances of what is in the own lane. Between them nothing stands, for nobody could tell what to do."""
FARTHEST, BEND_REACH = FAR[1], 6.0
"""Nothing is drawn beyond the first distance. Beyond the second a bend goes on straight, or far things would leave."""

OWN_LANE = 0.5
"""What stands so near to the middle of the own lane is in it."""

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """Where the own lane lies, and how many lanes there are beside it."""

    offset: float
    heading: float
    bend: float
    left_lanes: int
    right_lanes: int
    asphalt: Colour
    ground: Colour
    wear: float

    def side(self, distance: float) -> float:
        """The middle of the own lane at `distance`, in widths per distance."""
        return self.offset / distance + self.heading + self.bend * min(distance, BEND_REACH) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """Daylight and headlight in 256ths, and how much of the air is fog at a distance of 1, in 256ths."""

    day: int
    beam: int
    fog: int
    sky: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Something upright: a vehicle, a person, a tree, a post or a sign, `lane` widths right of the own lane."""

    kind: str
    lane: float
    distance: float
    colour: Colour
    width: float
    height: float
    braking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Blot:
    """A rectangle of the windscreen or of the road's shade that hides or darkens, in shares of the picture."""

    left: float
    top: float
    width: float
    height: float
    gain: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that a picture shows."""

    horizon: float
    road: Road
    light: Light
    things: tuple[Thing, ...]
    blots: tuple[Blot, ...]
    shades: tuple[tuple[float, float], ...]
    """Stretches of road, from one distance to another, that lie in shade."""
    bands: tuple[int, ...]
    """What the sensor adds to every second row."""

    @property
    def label(self) -> str:
        """The decision it asks for."""
        return f"{steer(self.road)}_{HAZARDS[max(map(urgency, self.things), default=0)]}"


def steer(road: Road) -> str:
    """Where the own lane goes."""
    aim = road.side(AIM_DISTANCE)
    return "straight" if abs(aim) <= STRAIGHT else "left" if aim < 0 else "right"


def urgency(thing: Thing) -> int:
    """What one thing asks for, as a number of `HAZARDS`."""
    if abs(thing.lane) >= OWN_LANE or thing.kind not in ("vehicle", "person"):
        return 0
    nearness = (thing.distance <= MIDDLE[1]) + (thing.distance <= NEAR[1])
    return min(nearness + (thing.braking or thing.kind == "person"), len(HAZARDS) - 1)
