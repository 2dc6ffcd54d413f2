"""What may be the reason of a difference, each under a name and in words."""

from collections.abc import Iterator, Mapping

from tuner.machine import Machine
from tuner.report.comparison.locustfiles import Locustfile
from tuner.report.method import span
from tuner.report.text import exact, short
from tuner.report.verdict import verdict
from tuner.settings.flags import flag_of
from tuner.study.settings import MeasureSettings
from tuner.study.study import Study
from tuner.study.workload import Workload

Facts = Mapping[str, str]


def study_facts(study: Study, locustfile: Locustfile) -> Facts:
    """Say what a study was asked, where, and what it decided."""
    settings = study.settings
    return {
        **_target(settings.target, settings.options, settings.runtime_python),
        **dict(_load(settings.workload, locustfile)),
        "limits": str(settings.limits),
        "budget": f"{settings.budget} trials",
        "seed": str(settings.seed),
        **machine_facts(study.machine),
        "default": short(study.default, {}),
        "verdict": verdict(study).sentence,
    }


def measurement_facts(settings: MeasureSettings, locustfile: Locustfile) -> Facts:
    """Say what a measurement was asked; every knob is there, written so that no two values look the same."""
    server = {} if settings.url is None else {"--url": settings.url}
    return {
        **_target(settings.target, settings.options, settings.runtime_python),
        **server,
        **{f"--set {knob}": exact(value) for knob, value in (settings.configuration or {}).items()},
        **dict(_load(settings.workload, locustfile)),
    }


def machine_facts(machine: Machine) -> Facts:
    """Say what figures depend on that is no setting."""
    return {
        "processor": f"{machine.cpu}, {machine.cores} cores",
        "system": machine.system,
        "frequency governor": machine.governor,
        "Python": machine.python,
        **machine.versions,
    }


def _target(name: str, options: Mapping[str, str], runtime_python: str | None) -> Facts:
    flags = {flag_of(option): value for option, value in options.items()}
    return {"target": name, **flags, "Python of the target": runtime_python or "tuner's own"}


def _load(workload: Workload, locustfile: Locustfile) -> Iterator[tuple[str, str]]:
    """Yield what makes the load, and how long it lasts; the loads themselves have to be the same anyhow."""
    yield "locustfile", locustfile.given or "the target's own"
    lasting = span(workload.measure, workload.measure_most)
    if workload.patience > workload.measure_most:
        lasting += f", {workload.patience:g} s where p99 has too few requests"
    yield "each level measured", lasting
    yield "p99 known within", f"±{workload.interval * 100:g} %"
    yield "load processes", f"{workload.processes}{'' if workload.master is None else ' on other machines'}"
