"""The drive agent's pictures: what a scene asks for, where things are painted, and drawing the data again."""

import base64
import json
import zlib
from itertools import islice

import numpy as np
import pytest
from conftest import HOME
from drive_data import SIZES, Example, digest, stream
from drive_paint import BRAKE, SIZE, TAIL, Picture, paint
from drive_scenes import LABELS, Light, Road, Scene, Thing

DAY, NIGHT = (Light(day=gain, beam=0, fog=0, sky=(136, 176, 224)) for gain in (256, 50))
ASPHALT, GROUND = (80, 80, 88), (72, 112, 48)


def road(*, offset: float = 0.0, heading: float = 0.0, bend: float = 0.0, lanes: int = 0) -> Road:
    """A road with so many lanes on either side of the own one."""
    return Road(
        offset=offset,
        heading=heading,
        bend=bend,
        left_lanes=lanes,
        right_lanes=lanes,
        asphalt=ASPHALT,
        ground=GROUND,
        wear=0.0,
    )


def thing(kind: str, distance: float, *, lane: float = 0.0, braking: bool = False) -> Thing:
    return Thing(
        kind=kind, lane=lane, distance=distance, colour=(200, 200, 208), width=0.5, height=0.4, braking=braking
    )


AHEAD = road()


def scene(*things: Thing, lane: Road = AHEAD, light: Light = DAY) -> Scene:
    """A scene whose horizon is a third from the top, without dirt or shade."""
    return Scene(horizon=32.0, road=lane, light=light, things=things, blots=(), shades=(), bands=(0,) * 48)


FAR, MIDDLE, NEAR = 6.0, 3.0, 1.5
BESIDE = 1.0
"""Widths: in the next lane, or beside a road of one lane."""


@pytest.mark.parametrize(
    ("things", "hazard"),
    [
        pytest.param([], "clear", id="nothing"),
        pytest.param([thing("vehicle", FAR)], "clear", id="far vehicle"),
        pytest.param([thing("vehicle", FAR, braking=True)], "slow", id="far vehicle that brakes"),
        pytest.param([thing("vehicle", MIDDLE)], "slow", id="vehicle"),
        pytest.param([thing("vehicle", MIDDLE, braking=True)], "brake", id="vehicle that brakes"),
        pytest.param([thing("vehicle", NEAR)], "brake", id="near vehicle"),
        pytest.param([thing("vehicle", NEAR, braking=True)], "brake", id="nothing is worse than brake"),
        pytest.param([thing("person", FAR)], "slow", id="far person"),
        pytest.param([thing("person", MIDDLE)], "brake", id="person"),
        pytest.param([thing("person", MIDDLE, lane=0.36)], "brake", id="person at the edge of the lane"),
        pytest.param([thing("vehicle", NEAR, lane=BESIDE, braking=True)], "clear", id="vehicle in another lane"),
        pytest.param([thing("person", NEAR, lane=-BESIDE)], "clear", id="person beside the road"),
        pytest.param([thing("sign", NEAR)], "clear", id="sign"),
        pytest.param([thing("vehicle", FAR), thing("person", FAR)], "slow", id="the worst counts"),
    ],
)
def test_what_stands_in_the_own_lane_decides(things: list[Thing], hazard: str):
    assert scene(*things).label == f"straight_{hazard}"


@pytest.mark.parametrize(
    ("lane", "steer"),
    [
        pytest.param(road(heading=0.2), "right", id="points right"),
        pytest.param(road(heading=-0.2), "left", id="points left"),
        pytest.param(road(heading=0.09), "straight", id="nearly straight"),
        pytest.param(road(bend=0.1), "right", id="bends right"),
        pytest.param(road(heading=0.2, bend=-0.1), "straight", id="bends back"),
        pytest.param(road(offset=0.28), "straight", id="lies right, which is little from afar"),
        pytest.param(road(offset=0.28, heading=0.05), "right", id="lies and points right"),
    ],
)
def test_the_own_lane_is_followed(lane: Road, steer: str):
    assert scene(lane=lane).label == f"{steer}_clear"


def pixel(picture: Picture, row: int, column: int) -> tuple[int, ...]:
    return tuple(picture[row, column].tolist())


def quantized(colour: tuple[int, int, int]) -> tuple[int, ...]:
    return tuple(part & 0xF8 for part in colour)


def test_a_vehicle_is_where_geometry_says():
    """Two widths away: its foot is half way to the horizon, in row 64; it is 17.5 pixels wide and 14 high."""
    picture = paint(scene(thing("vehicle", 2.0, braking=True), lane=road(heading=0.2)))
    middle = 48 + round(0.2 * 70)
    for lamp in (middle - 6, middle + 6):
        assert pixel(picture, 57, lamp) == quantized(BRAKE)
    assert pixel(picture, 57, middle) == quantized((200, 200, 208))
    assert pixel(paint(scene(thing("vehicle", 2.0))), 57, 48 - 6) == quantized(TAIL)


def test_the_road_is_as_wide_as_its_lanes():
    """At the lower edge, where a lane is 70 pixels wide."""
    narrow, wide = paint(scene()), paint(scene(lane=road(lanes=1)))
    assert pixel(narrow, SIZE - 1, SIZE // 2) == pixel(wide, SIZE - 1, SIZE // 2) == quantized(ASPHALT)
    assert pixel(narrow, SIZE - 1, 4) == quantized(GROUND)
    assert pixel(wide, SIZE - 1, 4) == quantized(ASPHALT)


def test_brake_lamps_glow_at_night_and_nothing_else_does():
    picture = paint(scene(thing("vehicle", 2.0, braking=True), light=NIGHT))
    assert pixel(picture, 57, 48 - 6) == quantized(BRAKE)
    assert pixel(picture, SIZE - 1, SIZE // 2) == tuple((part * 50 >> 8) & 0xF8 for part in ASPHALT)


@pytest.fixture(scope="module")
def committed() -> dict[str, list[Example]]:
    """The data files; only what a picture unpacks to counts, since versions of zlib pack differently."""
    return {split: list(map(unpacked, lines(split))) for split in SIZES}


def lines(split: str) -> list[str]:
    return (HOME / "data" / f"drive_{split}.jsonl").read_text(encoding="utf-8").splitlines()


def unpacked(line: str) -> Example:
    row = json.loads(line)
    raw = np.frombuffer(zlib.decompress(base64.b64decode(row["request"]["image"])), np.uint8)
    return Example(picture=raw.reshape(SIZE, SIZE, 3), label=row["answer"])


def test_the_files_hold_what_the_report_names(committed: dict[str, list[Example]]):
    report = json.loads((HOME / "models" / "drive.json").read_text(encoding="utf-8"))["data"]
    assert {split: len(examples) for split, examples in committed.items()} == report["examples"] == SIZES
    assert {split: digest(examples) for split, examples in committed.items()} == report["sha256_of_pictures_and_labels"]


@pytest.mark.parametrize("split", SIZES)
def test_the_data_can_be_drawn_again(split: str, committed: dict[str, list[Example]]):
    drawn = list(islice(stream(split), 400))
    assert digest(drawn) == digest(committed[split][:400])


def test_every_decision_is_about_as_frequent(committed: dict[str, list[Example]]):
    labels = [example.label for example in committed["test"]]
    expected = len(labels) / len(LABELS)
    assert [labels.count(label) for label in LABELS] == [pytest.approx(expected, abs=5 * expected**0.5)] * len(LABELS)


def test_no_picture_is_in_two_sets(committed: dict[str, list[Example]]):
    calibration = np.load(HOME / "data" / "drive_calibration.npz")["image"]
    sets = [{example.picture.tobytes() for example in examples} for examples in committed.values()]
    sets.append({picture.tobytes() for picture in calibration})
    assert len(set.union(*sets)) == sum(map(len, sets)) == 1000 + 2000 + 256
