"""The shape of a `target.toml`, validated at the door: unknown keys are refused, names are checked."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tuner.errors import TargetFileError, unknown

Scalar = bool | int | float | str


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class KnobTable(_Table):
    """One entry of `[space]`: `low` and `high`, or `choices`; texts with a `$name` are computed.

    With `search = false` a search leaves the knob at its default, unless it is asked to vary it.
    """

    default: Scalar
    low: int | float | str | None = None
    high: int | float | str | None = None
    log: bool = False
    choices: list[Scalar] | str | None = None
    description: str = ""
    search: bool = True


class OptionTable(_Table):
    """One entry of `[options]`: a flag of the command line that belongs to this target."""

    default: str
    help: str
    choices: list[str] | None = None
    file: bool = False


class CommandTable(_Table):
    """`[facts]`: a command that is run before any launch."""

    command: list[str] = Field(min_length=1)


class PrepareTable(CommandTable):
    """`[prepare]`: a command that builds what a launch needs, and all that this depends on beside the command itself.

    `files` are patterns of the target's own files, `depends` texts with the `$names` of knobs, options or facts.
    """

    files: list[str] = ["**/*"]
    depends: list[str] = []


class TimeoutsTable(_Table):
    """`[timeouts]`, in seconds."""

    ready: float = Field(default=60.0, gt=0)
    request: float = Field(default=10.0, gt=0)
    stop: float = Field(default=10.0, gt=0)
    prepare: float = Field(default=300.0, gt=0)


class HotTable(_Table):
    """`[hot]`: the knobs that a running server takes without a restart, and the path that it takes them at.

    They are PUT as one JSON object, with `Authorization: Bearer` and what the launch found in LAUNCH_TOKEN.
    """

    path: str
    knobs: list[str] = Field(min_length=1)


class AnswersTable(_Table):
    """`[answers]`: how requests look and what makes an answer right.

    `requests` is a JSON-lines file of `{"request": …, "answer": …}`; without `field`, every 2xx answer is valid. `test`
    is another such file, whose requests only confirming launches are verified with. `accuracy_knobs` are those that can
    change an answer: all answers are asked for once per combination of them.
    """

    path: str = "/"
    requests: str | None = None
    test: str | None = None
    field: str | None = None
    accuracy_knobs: list[str] = []


class TargetTable(_Table):
    """A whole `target.toml`."""

    description: str
    command: list[str] = Field(min_length=1)
    ready: str = "/"
    effective: str | None = None
    locustfile: str | None = None
    slo: str | None = None
    env: dict[str, str] = {}
    files: dict[str, str] = {}
    options: dict[str, OptionTable] = {}
    timeouts: TimeoutsTable = TimeoutsTable()
    facts: CommandTable | None = None
    prepare: PrepareTable | None = None
    hot: HotTable | None = None
    answers: AnswersTable = AnswersTable()
    space: dict[str, KnobTable] = {}
    when: dict[str, str] = {}
    constraints: list[str] = []
    starts: list[dict[str, Scalar]] = []


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    parts = [str(part) for part in first["loc"]]
    key = ".".join(parts)
    if first["type"] == "extra_forbidden":
        where = f"[{'.'.join(parts[:-1])}] " if len(parts) > 1 else ""
        return f"{where}{unknown('key', parts[-1], _keys_at(parts))}"
    return f"{key}: {first['msg']}" if key else str(first["msg"])


def _keys_at(parts: list[str]) -> list[str]:
    tables: dict[str, type[BaseModel]] = {
        "space": KnobTable,
        "options": OptionTable,
        "timeouts": TimeoutsTable,
        "answers": AnswersTable,
        "facts": CommandTable,
        "prepare": PrepareTable,
        "hot": HotTable,
    }
    table = tables.get(parts[0], TargetTable) if len(parts) > 1 else TargetTable
    return list(table.model_fields)


def read(path: Path) -> TargetTable:
    """Read a `target.toml`; every error names the file, the key and the known keys."""
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return TargetTable.model_validate(content)
    except OSError as error:
        raise TargetFileError(f"{path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TargetFileError(f"{path}: is not TOML: {error}") from None
    except ValidationError as error:
        raise TargetFileError(f"{path}: {_sentence(error)}") from None
