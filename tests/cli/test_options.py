"""How the texts of a command line become values."""

import pytest

from tests import hot
from tests.conftest import MakeTarget
from tuner.cli import options
from tuner.errors import UsageError
from tuner.study.objectives import Slo
from tuner.study.space import Value
from tuner.target import spec
from tuner.target.spec import Target


@pytest.fixture
def target(make_target: MakeTarget) -> Target:
    """A target of three knobs; a search leaves two of them alone."""
    toml = hot.TOML.replace('default = "small"', 'default = "small", search = false')
    toml = toml.replace("default = 0.0", "default = 0.0, search = false")
    return spec.load(str(make_target(toml, server_py="", requests_jsonl=hot.REQUESTS)))


@pytest.mark.parametrize(
    ("sets", "vary", "pinned"),
    [
        ([], [], {"model": "small", "wait": 0.0}),
        (["model=large"], [], {"model": "large", "wait": 0.0}),
        (["batch=2"], ["model", "wait"], {"batch": 2}),
        ([], ["batch", "wait"], {"model": "small"}),
    ],
)
def test_a_knob_is_left_alone_unless_it_is_named(
    target: Target, sets: list[str], vary: list[str], pinned: dict[str, Value]
) -> None:
    assert options.held(target, sets, vary) == pinned
    assert {knob.name for knob in target.space.pinned(pinned).free} == set(target.space.names) - set(pinned)


def test_a_knob_cannot_be_held_and_varied(target: Target) -> None:
    with pytest.raises(UsageError, match="--vary model: --set holds it at large; give one of them"):
        options.held(target, ["model=large"], ["model"])
    with pytest.raises(UsageError, match="--vary: unknown knob 'modle'; did you mean 'model'"):
        options.held(target, [], ["modle"])


@pytest.mark.parametrize(
    ("given", "own", "kept"),
    [
        (None, None, None),
        (None, "p99=20ms", Slo(metric="p99", limit=0.02)),
        ("p50=5ms", "p99=20ms", Slo(metric="p50", limit=0.005)),
        ("none", "p99=20ms", None),
    ],
)
def test_the_slo_of_a_target_holds_unless_another_is_given(
    make_target: MakeTarget, given: str | None, own: str | None, kept: Slo | None
) -> None:
    toml = hot.TOML if own is None else f'slo = "{own}"\n{hot.TOML}'
    target = spec.load(str(make_target(toml, server_py="", requests_jsonl=hot.REQUESTS)))
    assert options.slo(given, target) == kept
