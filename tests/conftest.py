"""What several packages' tests share: a made-up machine, its measurements, and real targets in folders of their own."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tuner.machine import Machine
from tuner.statistics.paired import compared
from tuner.study.quality import Basis, Quality
from tuner.study.space import ChoiceKnob, RangeKnob, SearchSpace
from tuner.study.trial import Interval, LevelSummary, Measurement
from tuner.study.workload import Load, closed

MACHINE = Machine(
    cpu="Example CPU @ 2.60GHz",
    cores=2,
    memory=8_000_000_000,
    system="Linux 6.1.0",
    python="3.12.1",
    governor="not visible",
    versions={"agent-tuner": "0.1.0", "locust": "2.47.0", "optuna": "5.0.0", "onnxruntime": "1.24.4"},
)

_LEVEL_PHASES = (("warm-up", 1.0), ("measure", 3.0))


def make_level(load: Load | int, throughput: float, p99: float) -> LevelSummary:
    """A level without errors whose other latencies follow from its p99; a number is one of users."""
    return LevelSummary(
        load=load if isinstance(load, Load) else closed([load])[0],
        opened=0.0,
        seconds=3.0,
        requests=3000,
        errors=0,
        unfinished=0,
        throughput=throughput,
        mean=p99 / 2,
        p50=p99 / 2,
        p90=p99 * 0.8,
        p95=p99 * 0.9,
        p99=Interval(value=p99, low=p99 * 0.95, high=p99 * 1.05),
        little=1.0,
    )


def make_quality(correct: int, default: int = 900) -> Quality:
    """The quality of 1000 answers, of which every one that the default has right and this has not is lost."""
    change = None if correct == default else compared(max(correct - default, 0), max(default - correct, 0), 1000)
    return Quality(basis=Basis.ACCURACY, correct=correct, total=1000, change=change)


def make_measurement(
    throughput: float = 100.0,
    light: float = 0.01,
    target: float = 0.05,
    correct: int = 900,
    loads: tuple[Load | int, Load | int] = (4, 32),
) -> Measurement:
    """A measurement under two loads, at 4 and 32 users unless others are given, with 1000 labelled requests."""
    levels = (make_level(loads[0], throughput / 2, light), make_level(loads[1], throughput, target))
    phases = {f"{phase} at {level.load}": seconds for level in levels for phase, seconds in _LEVEL_PHASES}
    return Measurement(
        levels=levels,
        quality=make_quality(correct),
        peak_memory=100_000_000,
        phases={"start": 1.0, **phases},
    )


@pytest.fixture
def space() -> SearchSpace:
    """Three knobs, one of them conditional, under one constraint."""
    return SearchSpace(
        knobs=(
            RangeKnob(name="batch", low=1, high=32, default=1, integer=True, log=True),
            RangeKnob(name="timeout", low=0.0, high=20.0, default=0.0),
            RangeKnob(name="workers", low=1, high=4, default=1, integer=True),
            ChoiceKnob(name="precision", choices=("fp32", "int8"), default="fp32"),
        ),
        conditions={"timeout": "batch > 1"},
        constraints=("workers * 2 <= $cores * 2",),
        constants={"cores": 2},
    )


MakeTarget = Callable[..., Path]


@pytest.fixture
def make_target(tmp_path: Path) -> MakeTarget:
    """Write a target folder from the text of its `target.toml` and of its other files."""

    def make(toml: str, **files: str) -> Path:
        folder = tmp_path / "mine"
        folder.mkdir(exist_ok=True)
        (folder / "target.toml").write_text(toml)
        for name, text in files.items():
            (folder / name.replace("_py", ".py").replace("_jsonl", ".jsonl")).write_text(text)
        return folder

    return make


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what `tuner doctor` found out about this machine out of the tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that nobody else has, for requests and variants that are made."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything was installed, a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI_FORBIDS_SKIPS") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
