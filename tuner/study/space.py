"""The search space: knobs, their conditions, and the configurations that they span."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner.errors import UsageError, unknown
from tuner.study.expressions import evaluate

Value = bool | int | float | str
Configuration = Mapping[str, Value]
"""A value for every knob of a space; a knob whose condition does not hold stands at its default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeKnob:
    """A number between `low` and `high`, both included; whole when `integer`, on a log scale when `log`."""

    name: str
    low: float
    high: float
    default: float
    integer: bool = False
    log: bool = False
    description: str = ""

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise UsageError(f"{self.name}: low must not be above high, but low = {self.low}, high = {self.high}")
        if self.log and self.low <= 0:
            raise UsageError(f"{self.name}: log = true needs low above 0, but low = {self.low}")
        self.check(self.default)

    def check(self, value: Value) -> Value:
        """Return `value` as this knob holds it, or refuse it."""
        number = self._number(value)
        if not self.low <= number <= self.high:
            raise UsageError(f"{self.name}: {value!r} is outside {self.low} to {self.high}")
        return number

    def _number(self, value: Value) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise UsageError(f"{self.name}: {value!r} is not a number")
        if self.integer and value != int(value):
            raise UsageError(f"{self.name}: {value!r} is not a whole number")
        return int(value) if self.integer else float(value)

    def offers(self, value: Value) -> bool:
        """Whether a number lies in the range; a value of another type is refused."""
        return self.low <= self._number(value) <= self.high

    def parse(self, text: str) -> Value:
        """Read what a person typed."""
        try:
            return self.check(float(text))
        except ValueError:
            raise UsageError(f"{self.name}: {text!r} is not a number") from None

    @property
    def size(self) -> float:
        """How many values there are; infinite for a continuous range."""
        return self.high - self.low + 1 if self.integer else (1 if self.low == self.high else math.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceKnob:
    """One of `choices`."""

    name: str
    choices: tuple[Value, ...]
    default: Value
    description: str = ""

    def __post_init__(self) -> None:
        if not self.choices:
            raise UsageError(f"{self.name}: choices is empty")
        self.check(self.default)

    def check(self, value: Value) -> Value:
        """Return `value` as this knob holds it, or refuse it."""
        for choice in self.choices:
            if choice == value and type(choice) is type(value):
                return choice
        raise UsageError(f"{self.name}: {unknown('choice', str(value), map(str, self.choices))}")

    def offers(self, value: Value) -> bool:
        """Whether `value` is one of the choices; one of another type than all of them is refused."""
        if type(value) not in map(type, self.choices):
            self.check(value)
        return value in self.choices

    def parse(self, text: str) -> Value:
        """Read what a person typed."""
        for choice in self.choices:
            if (str(choice).lower() if isinstance(choice, bool) else str(choice)) == text:
                return choice
        return self.check(text)

    @property
    def size(self) -> float:
        """How many values there are."""
        return len(self.choices)


Knob = RangeKnob | ChoiceKnob


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """The knobs, when each of them matters, and what they must satisfy together.

    `conditions` maps a knob to the expression that makes it matter; `constraints` are expressions over knobs that
    every configuration satisfies; `constants` are the `$names` both may use, such as `$cores`.
    """

    knobs: tuple[Knob, ...]
    conditions: Mapping[str, str] = field(default_factory=dict)
    constraints: tuple[str, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The knobs' names in the order of the target file."""
        return tuple(knob.name for knob in self.knobs)

    @property
    def free(self) -> tuple[Knob, ...]:
        """The knobs that have more than one value."""
        return tuple(knob for knob in self.knobs if knob.size > 1)

    @property
    def size(self) -> float:
        """How many combinations there are before conditions and constraints; infinite when a knob is continuous."""
        return math.prod(knob.size for knob in self.knobs)

    def knob(self, name: str) -> Knob:
        """Find a knob by name."""
        for knob in self.knobs:
            if knob.name == name:
                return knob
        raise UsageError(unknown("knob", name, self.names))

    def default(self) -> Configuration:
        """The configuration with every knob at its default."""
        return {knob.name: knob.check(knob.default) for knob in self.knobs}

    def matters(self, name: str, configuration: Configuration) -> bool:
        """Whether the knob's condition holds in `configuration`."""
        condition = self.conditions.get(name)
        return condition is None or bool(evaluate(condition, {**self.constants, **configuration}))

    def configuration(self, values: Mapping[str, Value]) -> Configuration:
        """Complete `values` with defaults, check them, and put every knob that does not matter at its default."""
        for name in values:
            self.knob(name)
        default = self.default()
        full = {knob.name: knob.check(values.get(knob.name, knob.default)) for knob in self.knobs}
        return {name: value if self.matters(name, full) else default[name] for name, value in full.items()}

    def violated(self, configuration: Configuration) -> str | None:
        """Return the first constraint that `configuration` does not satisfy."""
        names = {**self.constants, **configuration}
        return next((rule for rule in self.constraints if not evaluate(rule, names)), None)

    def pinned(self, values: Mapping[str, Value]) -> "SearchSpace":
        """Return this space with some knobs held at one value, which also becomes their default."""
        values = {name: self.knob(name).check(value) for name, value in values.items()}
        knobs = tuple(
            ChoiceKnob(name=knob.name, choices=(held,), default=held, description=knob.description)
            if (held := values.get(knob.name)) is not None
            else knob
            for knob in self.knobs
        )
        return SearchSpace(
            knobs=knobs, conditions=self.conditions, constraints=self.constraints, constants=self.constants
        )


def identity(configuration: Configuration) -> str:
    """Return a text that two configurations share exactly when they are the same."""
    return json.dumps(configuration, sort_keys=True)


def differences(configuration: Configuration, default: Configuration) -> dict[str, Value]:
    """Return the knobs whose value is not the default's."""
    return {name: value for name, value in configuration.items() if value != default.get(name)}
