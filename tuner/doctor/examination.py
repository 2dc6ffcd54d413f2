"""One examination of this machine, from looking around to the diagnosis."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from tuner.doctor.diagnosis import Diagnosis
from tuner.doctor.disturbances import disturbances
from tuner.doctor.generator import ceiling, known_server, ladder
from tuner.doctor.noise import drift_of, launched, noise, repeat
from tuner.doctor.providers import providers
from tuner.doctor.surroundings import look_around
from tuner.measure.protocol import Protocol
from tuner.study.judgement import criterion


def examine(protocol: Protocol, target: str, options: Mapping[str, str], launches: int, folder: Path) -> Diagnosis:
    """Examine this machine by the protocol of a search; its noise is kept under `target` and `options`.

    Raises where the target's default configuration does not work at all.
    """
    loads, loop = protocol.workload.loads, protocol.workload.loop
    seen = tuple(look_around(protocol))
    repeats = tuple(repeat(protocol, launches, folder / "noise"))
    known = known_server(protocol, folder)
    most = ceiling(known, folder)
    rungs = tuple(ladder(known, folder))
    figures = launched(repeats)
    change = drift_of(figures, loop)
    measured = datetime.now().astimezone().isoformat(timespec="seconds")
    return Diagnosis(
        target=target,
        options=options,
        runtime_python=protocol.target.runtime_python,
        loads=loads,
        machine=protocol.machine,
        placement=protocol.placement,
        measured=measured,
        asked=launches,
        launched=figures,
        noise=noise(figures, target, options, loads, measured),
        drift=change,
        ceiling=most,
        rungs=rungs,
        providers=providers(protocol.target.runs),
        checks=(*seen, *disturbances(repeats, criterion(loop).name, change)),
    )
