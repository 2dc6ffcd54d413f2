"""The load generator against a server of known truth: how much it makes at most, and how wrong it is at which rate."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tuner.doctor.diagnosis import TRUTH, Ceiling, Rung
from tuner.load.samples import Samples, intended_in
from tuner.measure.attempt import attempt
from tuner.measure.protocol import Protocol
from tuner.measure.verify import Verifier
from tuner.statistics.quantiles import quantile
from tuner.study.trial import Failure, LevelSummary, Measurement, Outcome
from tuner.study.workload import Load, Workload, closed, opened
from tuner.target import spec

RATES = (250.0, 500.0, 1_000.0, 2_000.0, 4_000.0)
USERS = 32
SECONDS = 3.0
_REQUESTS = 1_100
"""As many as p99 takes without a doubt, and some to spare."""


def known_server(protocol: Protocol, folder: Path) -> Protocol:
    """Return the same protocol for a server whose every answer takes exactly as long as it is told to."""
    target = spec.load("null", {"law": "constant"}, None, protocol.placement.server)
    return replace(
        protocol, target=target, verifier=Verifier(target, folder / "answers", protocol.workload.concurrency)
    )


def ceiling(protocol: Protocol, folder: Path, seconds: float = SECONDS) -> Ceiling:
    """Measure what one load process makes at most, against a server that answers at once."""
    load = closed((USERS,))[0]
    outcome = _measured(protocol, load, 0.0, seconds, folder / "ceiling", "ceiling of the load generator")
    if isinstance(outcome, Failure):
        return Ceiling(users=USERS, invalid=f"{outcome.kind}: {outcome.reason}")
    level = outcome.target
    return Ceiling(
        users=USERS,
        throughput=level.throughput,
        load_cpu=level.conditions.load_cpu if level.conditions else None,
        server_cpu=level.cpu_per_request * level.throughput if level.cpu_per_request is not None else None,
    )


def ladder(
    protocol: Protocol, folder: Path, rates: Sequence[float] = RATES, seconds: float = SECONDS
) -> Iterator[Rung]:
    """Measure a known delay at one rate after the other, until one of them is invalid: higher ones are so too."""
    for rate in rates:
        aside, load = folder / f"rate-{rate:g}", opened((rate,))[0]
        outcome = _measured(protocol, load, TRUTH, max(seconds, _REQUESTS / rate), aside, f"error at {load}")
        found = rung(rate, outcome, aside)
        yield found
        if found.invalid:
            return


def rung(rate: float, outcome: Outcome, folder: Path) -> Rung:
    """Return what one rate came to."""
    if not isinstance(outcome, Measurement):
        return Rung(rate=rate, invalid=f"{outcome.kind}: {outcome.reason}")
    level = outcome.target
    return Rung(
        rate=rate,
        p99=level.p99.value,
        server_p99=server_p99(np.load(folder / "samples.npy"), level),
        lateness=level.conditions.lateness_p99 if level.conditions else None,
        load_cpu=level.conditions.load_cpu if level.conditions else None,
        doubts=outcome.doubts,
    )


def server_p99(samples: Samples, level: LevelSummary) -> float | None:
    """Return the p99 of what the server says the answers of a level took."""
    totals = intended_in(samples, level.opened, level.opened + level.seconds)["total"]
    known = np.sort(totals[~np.isnan(totals)])
    return quantile(known, 0.99) if len(known) else None


def _measured(protocol: Protocol, load: Load, delay: float, seconds: float, folder: Path, title: str) -> Outcome:
    """Drive one load for a fixed time by one process."""
    workload = Workload(loads=(load,), measure=seconds, measure_most=seconds, warm_up_most=1.5, drain=2.0)
    configuration = protocol.target.space.configuration({"delay_ms": delay * 1e3})
    return attempt(replace(protocol, workload=workload), configuration, folder, title)
