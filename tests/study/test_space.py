import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import UsageError
from tuner.study.expressions import evaluate, names_in, resolve
from tuner.study.space import ChoiceKnob, RangeKnob, SearchSpace, identity


def test_a_knob_that_does_not_matter_stands_at_its_default(space: SearchSpace) -> None:
    assert space.configuration({"batch": 1, "timeout": 7.0})["timeout"] == 0.0
    assert space.configuration({"batch": 2, "timeout": 7.0})["timeout"] == 7.0


@given(batch=st.integers(1, 32), timeout=st.floats(0, 20), workers=st.integers(1, 4))
def test_completing_a_configuration_twice_changes_nothing(batch: int, timeout: float, workers: int) -> None:
    space = SearchSpace(
        knobs=(
            RangeKnob(name="batch", low=1, high=32, default=1, integer=True),
            RangeKnob(name="timeout", low=0.0, high=20.0, default=0.0),
            RangeKnob(name="workers", low=1, high=4, default=1, integer=True),
        ),
        conditions={"timeout": "batch > 1"},
    )
    once = space.configuration({"batch": batch, "timeout": timeout, "workers": workers})
    assert space.configuration(once) == once
    assert identity(once) == identity(dict(reversed(list(once.items()))))


def test_constraints_name_the_one_that_is_broken(space: SearchSpace) -> None:
    assert space.violated(space.configuration({"workers": 2})) is None
    assert space.violated(space.configuration({"workers": 3})) == "workers * 2 <= $cores * 2"


def test_pinning_takes_a_knob_out_of_the_search(space: SearchSpace) -> None:
    pinned = space.pinned({"precision": "int8"})
    assert pinned.default()["precision"] == "int8"
    assert [knob.name for knob in pinned.free] == ["batch", "timeout", "workers"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bach": 1}, "unknown knob 'bach'; did you mean 'batch'"),
        ({"batch": 64}, "batch: 64 is outside 1 to 32"),
        ({"batch": 1.5}, "batch: 1.5 is not a whole number"),
        ({"batch": True}, "batch: True is not a number"),
        ({"timeout": float("nan")}, "timeout: nan is not a number"),
        ({"precision": "int4"}, "precision: unknown choice 'int4'"),
    ],
)
def test_a_bad_value_is_refused_by_name(space: SearchSpace, values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        space.configuration(values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low": 5, "high": 1, "default": 1}, "low must not be above high"),
        ({"low": 0, "high": 5, "default": 1, "log": True}, "log = true needs low above 0"),
        ({"low": 0, "high": 5, "default": 9}, "9 is outside 0 to 5"),
    ],
)
def test_a_bad_range_is_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RangeKnob(name="x", **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("knob", "text", "value"),
    [
        (RangeKnob(name="x", low=1, high=9, default=1, integer=True), "3", 3),
        (RangeKnob(name="x", low=0.0, high=9.0, default=1.0), "2.5", 2.5),
        (ChoiceKnob(name="x", choices=(1, 2), default=1), "2", 2),
        (ChoiceKnob(name="x", choices=(True, False), default=True), "false", False),
        (ChoiceKnob(name="x", choices=("a", "b"), default="a"), "b", "b"),
    ],
)
def test_typed_values_get_their_type(knob: RangeKnob | ChoiceKnob, text: str, value: object) -> None:
    parsed = knob.parse(text)
    assert parsed == value
    assert type(parsed) is type(value)


def test_one_and_true_are_different_choices() -> None:
    with pytest.raises(UsageError):
        ChoiceKnob(name="x", choices=(1, 2), default=True)


def test_expressions() -> None:
    assert names_in("workers * 2 <= $cores and a in (1, 2)") == {"workers", "cores", "a"}
    assert evaluate("workers * $cores", {"workers": 3, "cores": 2}) == 6
    assert resolve("$cores", {"cores": 2}) == 2
    assert resolve("plain", {}) == "plain"


@pytest.mark.parametrize("expression", ["__import__('os')", "open('x')", "().__class__", "a +", "1 / 0", "unknown"])
def test_expressions_compute_and_nothing_else(expression: str) -> None:
    with pytest.raises(UsageError):
        evaluate(expression, {"a": 1})


def test_an_expression_that_does_not_parse_is_shown() -> None:
    with pytest.raises(UsageError, match=r"'a \+' is not an expression"):
        names_in("a +")
