"""The options that several verbs share, and how the loose texts of a command line become values."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from urllib.parse import urlsplit

import typer

from tuner import bundled
from tuner.cli.folders import folder_for
from tuner.cli.own_options import target_options
from tuner.errors import UsageError, unknown

if TYPE_CHECKING:
    from tuner.machine import Placement
    from tuner.study.objectives import Slo
    from tuner.study.space import Configuration, Value
    from tuner.study.workload import Workload
    from tuner.target.spec import Target
    from tuner.terminal import Output

_Value = TypeVar("_Value")

TargetName = Annotated[
    str,
    typer.Option(
        "--target",
        help="A bundled target's name, or a folder with a target.toml.",
        autocompletion=bundled.target_names,
    ),
]
Users = Annotated[
    str | None,
    typer.Option("--users", help="Closed loop: ladder of concurrencies, the last one is the target; default: 4,32."),
]
Rate = Annotated[
    str | None,
    typer.Option("--rate", help="Open loop instead: Poisson arrivals a second, or a ladder of rates such as 50,200."),
]
Within = Annotated[
    str | None,
    typer.Option("--p99-within", help="Measure on until the 95 % interval of p99 is within this share, such as 5%."),
]
AtMost = Annotated[
    str | None,
    typer.Option(
        "--measure-at-most",
        help="Longest time to measure a level; default: 3s, in open loop 20s, with --p99-within 30s.",
    ),
]
LoadProcesses = Annotated[
    int, typer.Option("--load-processes", help="How many processes make the load (Locust's master and workers).")
]
LoadMaster = Annotated[
    str | None,
    typer.Option("--load-master", help="ADDRESS:PORT to which load processes on other machines connect: tuner worker."),
]
SloText = Annotated[
    str | None,
    typer.Option(
        "--slo", help="Limit under the target load: p50, p90, p95, p99 or mean, for example p99=50ms; or none."
    ),
]
Sets = Annotated[
    list[str] | None, typer.Option("--set", help="Hold a knob at one value: KNOB=VALUE; may be given several times.")
]
Vary = Annotated[
    list[str] | None,
    typer.Option("--vary", help="Search a knob that a search leaves alone by default; may be given several times."),
]
Drop = Annotated[
    str,
    typer.Option(
        "--max-accuracy-drop",
        help="Most accuracy, or without labels agreement, to lose against the default, such as 1pt or 0.5pt.",
    ),
]
QualityObjective = Annotated[
    bool,
    typer.Option(
        "--quality-objective/--no-quality-objective",
        help="Make accuracy, or without labels agreement, a third objective.",
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", min=0, help="Seed for what is drawn at random, such as the order of requests.")
]
Out = Annotated[
    Path,
    typer.Option(
        "--out", help="Folder in which each run gets a folder of its own.", parser=folder_for("--out"), metavar="PATH"
    ),
]
Storage = Annotated[str | None, typer.Option("--storage", help="Optuna storage URL; default: SQLite in the study.")]
RuntimePython = Annotated[
    str | None,
    typer.Option(
        "--runtime-python",
        help="The Python that runs the target's programs ($python), such as one with onnxruntime-gpu for CUDA and "
        "TensorRT (untested by us); default: tuner's own.",
    ),
]
Locustfile = Annotated[
    str | None, typer.Option("--locustfile", help="A plain locustfile of yours instead of the target's.")
]


_SHORTEST_SECONDS = 0.5
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")


def output(context: typer.Context) -> "Output":
    """Return where a verb writes."""
    found: Output = context.obj.output
    return found


def read(flag: str, parse: Callable[[str], _Value], text: str) -> _Value:
    """Read the text of a flag; an error names the flag."""
    try:
        return parse(text)
    except UsageError as error:
        raise UsageError(f"{flag}: {error}") from None


def slo(text: str | None, target: "Target") -> "Slo | None":
    """Read --slo; without it the target's own holds, if it has one."""
    from tuner.study.objectives import parse_slo

    if text is None:
        return target.slo
    return None if text == "none" else parse_slo(text)


def workload(
    users: str | None,
    rate: str | None,
    within: str | None,
    at_most: str | None,
    processes: int = 1,
    master: str | None = None,
) -> "Workload":
    """Read the load to measure under, of one loop or the other."""
    from tuner.study.workload import parse_rates, parse_users, standard
    from tuner.units import parse_address, parse_seconds, parse_share

    if master is not None:
        read("--load-master", parse_address, master)
    if users is not None and rate is not None:
        raise UsageError("--users drives a closed loop and --rate an open one: give one of them")
    usual = standard(parse_users("4,32" if users is None else users) if rate is None else parse_rates(rate))
    most = usual.measure_most if within is None else usual.patience
    most = most if at_most is None else read("--measure-at-most", parse_seconds, at_most)
    if most < _SHORTEST_SECONDS:
        raise UsageError(f"--measure-at-most {at_most}: too short, give at least {_SHORTEST_SECONDS:g} s")
    return replace(
        usual,
        patience=usual.patience if at_most is None else most,
        measure=min(usual.measure, most),
        measure_most=most,
        interval=usual.interval if within is None else read("--p99-within", parse_share, within),
        processes=processes,
        master=master,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A target as it will be measured: loaded for the cores that are left to it, with the options that were `given`."""

    target: "Target"
    given: Mapping[str, str]
    placement: "Placement"


def prepared(
    context: typer.Context,
    name: str,
    workload: "Workload",
    locustfile: str | None = None,
    runtime_python: str | None = None,
) -> Prepared:
    """Load a target to be measured under a load, and tell a person what it has to say before."""
    from tuner.cli.locustfile import require_loadable
    from tuner.machine import cores, place
    from tuner.target import spec

    placement = place(cores(), workload.processes_here)
    own = target_options(context, name)
    target = spec.load(name, own, locustfile, placement.server, runtime_python)
    require_open_loop(workload, target)
    require_loadable(target, locustfile)
    show_notes(target, output(context))
    return Prepared(target=target, given={key: str(target.names[key]) for key in own}, placement=placement)


def require_open_loop(workload: "Workload", target: "Target") -> None:
    """Refuse an open loop of somebody's own locustfile: only ours knows how to keep to a schedule."""
    from tuner.study.workload import Loop

    if workload.loop is Loop.OPEN and target.open_locustfile is None:
        raise UsageError(f"--rate sends requests on a schedule, which {target.locustfile.name} does not: give --users")


def show_notes(target: "Target", output: "Output") -> None:
    """Write what the target's [facts] found worth saying before anything is measured."""
    show_lines(target.notes, output)


def show_lines(lines: Sequence[str], output: "Output") -> None:
    """Write lines for whoever watches."""
    from tuner.terminal import cell

    for line in lines:
        output.progress().print(cell(line), soft_wrap=True)


def require_url(url: str | None, sets: Sequence[str] | None) -> None:
    """Refuse a --url that is none, and knobs for a server that is not ours to launch."""
    if url is not None and not url.startswith(("http://", "https://")):
        raise UsageError(f"--url {url}: begin it with http:// or https://")
    if url is not None and not _names_a_server(url):
        raise UsageError(f"--url {url}: expected a host and a port up to 65535, such as http://127.0.0.1:8000")
    if url is not None and sets:
        raise UsageError("--set configures a server that tuner launches; with --url configure it where you start it")


def _names_a_server(url: str) -> bool:
    """Whether a URL has a host, and a port in range if it has one."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and " " not in parts.netloc and parts.port != 0
    except ValueError:
        return False


def require_free(port: int) -> None:
    """Refuse a port where nothing of ours can listen."""
    from tuner.target.launch import refusal

    if reason := refusal(port):
        raise UsageError(f"--port {port}: {reason}; choose another port")


def load_target(
    context: typer.Context, name: str, locustfile: str | None = None, runtime_python: str | None = None
) -> "Target":
    """Load a target with the options of its own that were left over on the command line."""
    from tuner.target import spec

    return spec.load(name, target_options(context, name), locustfile, runtime_python=runtime_python)


def study_name(given: str | None, target: str) -> str:
    """Check the name of a study, or make one of the target's name and the time."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", target).strip("-.")[:40] or "study"
    name = f"{plain}-{datetime.now():%Y%m%d-%H%M%S}" if given is None else given
    if not _NAME.match(name):
        raise UsageError(f"--name {name!r}: use letters, digits, dots, dashes and underscores, at most 64 of them")
    return name


def parse_sets(target: "Target", texts: Sequence[str] | None) -> "Configuration":
    """Read `KNOB=VALUE` texts, and refuse them when they break a constraint together with the other defaults."""
    from tuner.study.expressions import names_in

    space = target.space
    values: dict[str, Value] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--set {text!r}: expected KNOB=VALUE")
        if name in values:
            raise UsageError(f"--set {text}: {name} is held at {values[name]} already; give one of them")
        if reason := target.why_not(value):
            raise UsageError(f"--set {text}: does not run here: {reason}")
        values[name] = space.knob(name).parse(value)
    if broken := space.violated(space.configuration(values)):
        others = sorted((names_in(broken) & set(space.names)) - set(values))
        hint = f"; also --set {' or '.join(others)}" if others else ""
        raise UsageError(f"--set {' --set '.join(texts or ())}: breaks {broken!r}{hint}")
    return values


def held(target: "Target", sets: Sequence[str] | None, vary: Sequence[str] | None) -> "Configuration":
    """Read which knobs a search holds: those of --set, and at their defaults those it leaves alone unless --vary."""
    chosen, default = parse_sets(target, sets), target.space.default()
    for name in vary or ():
        if name not in default:
            raise UsageError(f"--vary: {unknown('knob', name, default)}")
        if name in chosen:
            raise UsageError(f"--vary {name}: --set holds it at {chosen[name]}; give one of them")
    alone = {name: default[name] for name in target.left_alone if name not in (vary or ())}
    return {**alone, **chosen}
