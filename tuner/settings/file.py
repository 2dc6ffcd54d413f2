"""The shape of a `tuner.toml` and of `[tool.tuner]`, validated at the door: unknown keys are refused."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from tuner.errors import UsageError, unknown
from tuner.settings.written import ADDRESS, CHANGE, DURATION, RATES, SHARE, SLO, USERS
from tuner.study.objectives import parse_slo
from tuner.study.workload import parse_rates, parse_users
from tuner.units import parse_address, parse_change, parse_seconds, parse_share

Scalar = bool | int | float | str


def _read_by(parse: Callable[[str], object]) -> AfterValidator:
    """Refuse what a flag of the same name would refuse."""

    def check(value: Any) -> Any:
        try:
            parse(",".join(map(str, value)) if isinstance(value, list) else str(value))
        except UsageError as error:
            raise PydanticCustomError("unreadable", "{reason}", {"reason": str(error)}) from None
        return value

    return AfterValidator(check)


def _slo_or_none(text: str) -> None:
    if text != "none":
        parse_slo(text)


def _text(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern})


def _ladder(one: dict[str, Any], pattern: str) -> WithJsonSchema:
    several = {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}
    return WithJsonSchema({"anyOf": [one, several, {"type": "string", "pattern": pattern}]})


_Share = Annotated[str, _read_by(parse_share), _text(SHARE)]
_Change = Annotated[str, _read_by(parse_change), _text(CHANGE)]
_Duration = Annotated[str, _read_by(parse_seconds), _text(DURATION)]
_Slo = Annotated[str, _read_by(_slo_or_none), _text(SLO)]
_Address = Annotated[str, _read_by(parse_address), _text(ADDRESS)]
_Users = Annotated[int | list[int] | str, _read_by(parse_users), _ladder({"type": "integer", "minimum": 1}, USERS)]
_Rate = Annotated[
    int | float | list[int | float] | str,
    _read_by(parse_rates),
    _ladder({"type": "number", "exclusiveMinimum": 0}, RATES),
]


class SettingsTable(BaseModel):
    """The settings of tuner: each is the flag of the same name, for every verb that has that flag and a --target."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="tuner.toml")

    target: str | None = Field(
        default=None, description="A bundled target's name, or a folder with a target.toml.", examples=["reference"]
    )
    budget: int | None = Field(default=None, ge=1, description="How many configurations to measure.", examples=[50])
    users: _Users | None = Field(
        default=None, description="Closed loop: concurrencies, the last is the target load.", examples=[[4, 32]]
    )
    rate: _Rate | None = Field(
        default=None, description="Open loop instead: arrivals a second, or a ladder of rates.", examples=[[50, 200]]
    )
    slo: _Slo | None = Field(default=None, description="Limit under the target load, or none.", examples=["p99=50ms"])
    max_accuracy_drop: _Share | None = Field(
        default=None, description="Most accuracy to lose against the default.", examples=["1pt"]
    )
    max_p99: _Change | None = Field(default=None, description="Of a gate: most that p99 may rise.", examples=["+5%"])
    min_throughput: _Change | None = Field(
        default=None, description="Of a gate: most that throughput may fall.", examples=["-5%"]
    )
    at_most: _Duration | None = Field(
        default=None,
        description="Of a gate: time for all launches; no round begins that would end later.",
        examples=["3min"],
    )
    quality_objective: bool | None = Field(
        default=None, description="Make accuracy a third objective.", examples=[False]
    )
    seed: int | None = Field(
        default=None, ge=0, description="Seed for what is drawn at random, such as the order of requests.", examples=[0]
    )
    out: str | None = Field(
        default=None, description="Folder in which each run gets a folder of its own.", examples=["reports"]
    )
    storage: str | None = Field(
        default=None,
        description="Optuna storage URL; without it SQLite in the study. Passwords belong in TUNER_STORAGE.",
        examples=["postgresql+psycopg://tuner@db/studies"],
    )
    locustfile: str | None = Field(
        default=None, description="A plain locustfile of yours instead of the target's.", examples=["mine.py"]
    )
    runtime_python: str | None = Field(
        default=None, description="The Python that runs the target's programs.", examples=["/opt/gpu/bin/python"]
    )
    p99_within: _Share | None = Field(
        default=None, description="Measure on until p99 is known this well.", examples=["10%"]
    )
    measure_at_most: _Duration | None = Field(
        default=None, description="Longest time to measure a level.", examples=["3s"]
    )
    load_processes: int | None = Field(
        default=None, ge=1, description="How many processes make the load.", examples=[1]
    )
    load_master: _Address | None = Field(
        default=None, description="Where load processes on other machines connect.", examples=["0.0.0.0:5557"]
    )
    vary: list[str] = Field(
        default=[], description="Knobs to search that a search leaves alone by default.", examples=[["scheduler"]]
    )
    set: dict[str, Scalar] = Field(
        default={}, description="Knobs to hold at one value.", examples=[{"precision": "fp32"}]
    )
    options: dict[str, Scalar] = Field(
        default={},
        description="The target's own flags; `tuner targets NAME` shows them.",
        examples=[{"agent": "search"}],
    )


def validated(content: Mapping[str, Any], origin: str, *, strict: bool) -> SettingsTable:
    """Read settings; an error names the origin, the key, and the nearest known key."""
    try:
        return SettingsTable.model_validate(dict(content), strict=strict)
    except ValidationError as error:
        raise UsageError(f"{origin}: {_sentence(error)}") from None


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    # Of a value that may be of several types the place goes on with the type that was tried.
    key, *rest = map(str, first["loc"])
    if first["type"] == "extra_forbidden":
        return unknown("setting", key, SettingsTable.model_fields)
    if key in ("set", "options") and rest:
        key = f"{key}.{rest[0]}"
    return f"{key}: {first['msg']}"
