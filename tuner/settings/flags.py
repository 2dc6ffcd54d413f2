"""Settings as the flags that they stand for, one layer over the other, and under those that a person typed."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import zip_longest
from pathlib import Path

from tuner.errors import UsageError
from tuner.settings.file import Scalar, SettingsTable
from tuner.target import spec

_RIVALS = {"--users": "--rate", "--rate": "--users"}
_TABLES = {"set", "vary", "options"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What one layer says: flags, a switch with None; knobs that it holds or varies, and flags of the target's own."""

    single: Mapping[str, str | None] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)
    varied: tuple[str, ...] = ()
    own: Mapping[str, str] = field(default_factory=dict)


def arguments(said: Flags, known: Collection[str]) -> list[str]:
    """Write what is said as arguments of a verb that knows these flags; the target's own options are none of its."""
    held = said.held if "--set" in known else {}
    return [
        *(flag if value is None else f"{flag}={value}" for flag, value in said.single.items() if flag in known),
        *(f"--set={name}={value}" for name, value in held.items()),
        *(f"--vary={name}" for name in said.varied if "--vary" in known),
    ]


def beneath(layers: Iterable[SettingsTable], typed: Sequence[str]) -> Flags:
    """Lay settings over each other, the weakest layer first, and leave out what `typed` says."""
    return _without(reduce(_over, map(of_table, layers), Flags()), of_arguments(typed))


def _over(lower: Flags, upper: Flags) -> Flags:
    left = _without(lower, upper)
    return Flags(
        single={**left.single, **upper.single},
        held={**left.held, **upper.held},
        varied=(*left.varied, *(name for name in upper.varied if name not in left.varied)),
        own={**left.own, **upper.own},
    )


def _without(lower: Flags, upper: Flags) -> Flags:
    """Return what a layer still says below another one, which may be about another target, or a server by its URL."""
    said = {_positive(flag) for flag in upper.single}
    said |= {_RIVALS[flag] for flag in said if flag in _RIVALS}
    single = {flag: value for flag, value in lower.single.items() if _positive(flag) not in said}
    targets = [name for layer in (lower, upper) if (name := layer.single.get("--target"))]
    if len(set(map(_place, targets))) == 2:
        single.pop("--locustfile", None)
        return Flags(single=single)
    launched = "--url" not in said
    return Flags(
        single=single,
        held={name: value for name, value in lower.held.items() if launched and name not in upper.varied},
        varied=tuple(name for name in lower.varied if name not in upper.held),
        own={flag: value for flag, value in lower.own.items() if flag not in upper.single},
    )


def _place(target: str) -> Path:
    """Return which target a name means: one and the same may be written in several ways."""
    try:
        return spec.find(target)
    except UsageError:
        return Path(target)


def _positive(flag: str) -> str:
    return flag.replace("--no-", "--", 1)


def of_table(table: SettingsTable) -> Flags:
    """Return the flags that settings stand for."""
    return Flags(
        single=dict(_singles(table)),
        held={name: _text(value) for name, value in table.set.items()},
        varied=tuple(table.vary),
        own={flag_of(name): _text(value) for name, value in table.options.items()},
    )


def _singles(table: SettingsTable) -> Iterator[tuple[str, str | None]]:
    for name, value in table.model_dump(exclude=_TABLES, exclude_none=True).items():
        if isinstance(value, bool):
            yield (flag_of(name) if value else flag_of(f"no_{name}")), None
        else:
            yield flag_of(name), ",".join(map(str, value)) if isinstance(value, list) else str(value)


def flag_of(name: str) -> str:
    """Write the flag of a setting or of a target's option."""
    return f"--{name.replace('_', '-')}"


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def of_arguments(typed: Sequence[str]) -> Flags:
    """Read which flags are there; what they mean is for the parser to say."""
    single, held, varied = {}, {}, []
    for word, following in zip_longest(typed, typed[1:], fillvalue=""):
        flag, equals, value = word.partition("=")
        if not flag.startswith("--"):
            continue
        value = value if equals else following
        if flag == "--set":
            held[value.partition("=")[0]] = ""
        elif flag == "--vary":
            varied.append(value)
        else:
            single[flag] = value
    return Flags(single=single, held=held, varied=tuple(varied))
