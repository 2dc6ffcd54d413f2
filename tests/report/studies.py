"""Synthetic studies: deterministic, with the shape of real ones."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from tests.conftest import MACHINE
from tuner.machine import Placement
from tuner.statistics.paired import compared, shortfall
from tuner.study.judgement import feasible, ranked
from tuner.study.objectives import Limits, Slo
from tuner.study.quality import Basis, Quality, Rows, UnderLoad
from tuner.study.space import ChoiceKnob, Configuration, RangeKnob, SearchSpace
from tuner.study.study import Noise, Settings, Study
from tuner.study.trial import (
    Conditions,
    Confirmation,
    Doubt,
    DoubtKind,
    Failure,
    FailureKind,
    Interval,
    LevelSummary,
    Measurement,
    Outcome,
    Trial,
)
from tuner.study.workload import Load, Loop, closed, opened, standard

SPACE = SearchSpace(
    knobs=(
        RangeKnob(name="max_batch_size", low=1, high=32, default=1, integer=True, log=True),
        RangeKnob(name="batch_timeout_ms", low=0.0, high=20.0, default=0.0),
        RangeKnob(name="workers", low=1, high=2, default=1, integer=True),
        RangeKnob(name="intra_op_threads", low=1, high=2, default=2, integer=True),
        ChoiceKnob(name="precision", choices=("fp32", "int8"), default="fp32"),
        ChoiceKnob(name="execution_provider", choices=("CPUExecutionProvider",), default="CPUExecutionProvider"),
    ),
    conditions={"batch_timeout_ms": "max_batch_size > 1"},
)

SHARED = Placement(server=(0, 1), load=(0, 1))

NOISE = Noise(
    target="reference",
    loads=closed((4, 32)),
    measured="2026-03-13T08:00:00+00:00",
    launches=6,
    throughput=0.012,
    p99=(0.025, 0.04),
)

TRACEBACK = (
    "INFO     loading model.onnx",
    "Traceback (most recent call last):",
    '  File "server.py", line 88, in <module>',
    "    session = InferenceSession(path, providers=providers)",
    "RuntimeException: [ONNXRuntimeError] : 6 : Failed to allocate memory for requested buffer of size 268435456",
)


def configuration(**knobs: Any) -> Configuration:
    return SPACE.configuration(knobs)


def level(load: Load | int, throughput: float, slow: float, **changes: Any) -> LevelSummary:
    """One load, a number being one of users; the interval is a tenth to either side."""
    load = load if isinstance(load, Load) else closed([load])[0]
    seconds = 3.2 if load.loop is Loop.CLOSED else 10.2
    made = LevelSummary(
        load=load,
        opened=0.0,
        seconds=seconds,
        requests=round(throughput * seconds),
        errors=0,
        unfinished=0,
        throughput=throughput,
        mean=0.5 * slow if load.loop is Loop.OPEN else load.users / throughput if throughput else inf,
        p50=0.6 * slow,
        p90=0.8 * slow,
        p95=0.9 * slow,
        p99=Interval(value=slow, low=0.9 * slow, high=1.1 * slow),
        little=1.0 if load.loop is Loop.CLOSED else None,
        server_queue=0.2 * slow,
        server_compute=0.3 * slow,
        batch_size=1.0,
        cpu_per_request=0.0015,
    )
    return replace(made, **changes)


def quality(share: float, default: float = 0.94, **changes: Any) -> Quality:
    """1000 answers; each of those that the default has right and this one has not is lost, and two more are swapped."""
    correct, reference = round(1000 * share), round(1000 * default)
    gained, lost = max(correct - reference, 0) + 2, max(reference - correct, 0) + 2
    change = None if correct == reference else compared(gained, lost, 1000)
    return Quality(**{"basis": Basis.ACCURACY, "correct": correct, "total": 1000, "change": change, **changes})


def measurement(levels: Sequence[LevelSummary], share: float = 0.94, doubts: Sequence[Doubt] = ()) -> Measurement:
    phases = {"prepare": 0.01, "start": 0.7, "verify": 0.3, "load generator": 0.2}
    for one in levels:
        phases |= {f"warm-up at {one.load}": 0.8, f"measure at {one.load}": one.seconds}
    return Measurement(
        levels=tuple(levels),
        quality=quality(share),
        peak_memory=180_000_000,
        phases=phases | {"drain": 0.05, "stop": 0.2},
        effective={"precision": "fp32"},
        doubts=tuple(doubts),
    )


def failure(kind: FailureKind = FailureKind.CRASH, reason: str = "the server ended under load (SIGKILL)") -> Failure:
    return Failure(kind=kind, reason=reason, log_tail=TRACEBACK, phases={"prepare": 0.01, "start": 2.4, "stop": 0.1})


def study(outcomes: Sequence[tuple[Configuration, Outcome]], **changes: Any) -> Study:
    """A study with these trials; `changes` are fields of the study, of its settings or of its workload and limits."""
    loads = changes.pop("loads", closed((4, 32)))
    settings = Settings(
        name=changes.pop("name", "reference-search"),
        target=changes.pop("target", "reference"),
        workload=replace(standard(loads), processes=changes.pop("processes", 1)),
        limits=Limits(slo=changes.pop("slo", None)),
        budget=len(outcomes),
        seed=7,
        options=changes.pop("options", {"agent": "search", "model": ""}),
        rounds=changes.pop("rounds", 4),
    )
    made = Study(
        settings=settings,
        space=SPACE,
        machine=MACHINE,
        command="tuner search --budget 50 --users 4,32",
        started="2026-03-14T09:26:53",
        placement=SHARED,
        seconds=12.0 * len(outcomes) + 30.0,
        trials=tuple(Trial(number=i, configuration=c, outcome=o) for i, (c, o) in enumerate(outcomes)),
    )
    return replace(made, **changes)


def confirmed(base: Study, launches: Mapping[int, Sequence[Outcome]]) -> Study:
    """The same study with the launches that confirmed its finalists, round by round."""
    return replace(
        base,
        seconds=base.seconds + 12.0 * sum(map(len, launches.values())),
        confirmations=tuple(
            Confirmation(trial=trial, round=number, outcome=outcome)
            for trial, outcomes in launches.items()
            for number, outcome in enumerate(outcomes)
        ),
    )


def small(**changes: Any) -> Study:
    """Four trials, one of them failed, and three launches for each of two finalists and the default."""
    outcomes: list[tuple[Configuration, Outcome]] = [
        (configuration(), measurement([level(4, 400.0, 0.012), level(32, 420.0, 0.095)], 0.94)),
        (configuration(max_batch_size=8), measurement([level(4, 380.0, 0.014), level(32, 700.0, 0.060)], 0.94)),
        (configuration(workers=2, intra_op_threads=1, precision="int8"), failure()),
        (
            configuration(max_batch_size=8, precision="int8"),
            measurement([level(4, 520.0, 0.010), level(32, 900.0, 0.045)], 0.935),
        ),
    ]
    launches = {
        0: [pair(400 + 4 * i, 0.012, 420 + 3 * i, 0.095) for i in range(3)],
        1: [pair(380 + 3 * i, 0.0115, 690 + 5 * i, 0.061) for i in range(3)],
        3: [pair(515 + 2 * i, 0.0102, 880 + 9 * i, 0.046, 0.935) for i in range(3)],
    }
    return confirmed(study(outcomes, rounds=3, **changes), launches)


def unlabelled(base: Study) -> Study:
    """The same study without labels: what was accuracy is agreement with the default's answers, also under load."""
    load = UnderLoad(correct=985, total=1000, before=992, p=0.016, changed=7, changed_in_batches=7)
    agrees = Quality(
        basis=Basis.AGREEMENT, correct=992, total=1000, change=shortfall(8, 1000), under_load=load, rows=Rows.SELECTION
    )

    def blank(outcome: Outcome) -> Outcome:
        return replace(outcome, quality=agrees) if isinstance(outcome, Measurement) else outcome

    return replace(
        base,
        trials=tuple(replace(one, outcome=blank(one.outcome)) for one in base.trials),
        confirmations=tuple(replace(one, outcome=blank(one.outcome)) for one in base.confirmations),
    )


def third() -> Study:
    """A study with accuracy as its third objective: the slower configuration answers more requests right."""
    made = small()
    return replace(made, settings=replace(made.settings, quality_objective=True))


def pair(light: float, light_p99: float, target: float, target_p99: float, share: float = 0.94) -> Measurement:
    return measurement([level(4, light, light_p99), level(32, target, target_p99)], share)


def scarce(share: float = 0.94) -> Measurement:
    """A measurement with so few requests under the target load that its p99 of 20 ms is not known."""
    return measurement([level(4, 400.0, 0.01), level(32, 420.0, 0.02, requests=367)], share)


def simulated(
    count: int, seed: int = 3, loads: Sequence[Load] = closed((4, 32)), slo: Slo | None = None, **changes: Any
) -> Study:
    """A study as a search would leave it: about one trial in twelve fails, and the noise is that of small machines."""
    dice = random.Random(seed)
    outcomes: list[tuple[Configuration, Outcome]] = [(configuration(), _launch(configuration(), loads, dice))]
    while len(outcomes) < count:
        chosen = configuration(
            max_batch_size=round(2 ** dice.uniform(0, 5)),
            batch_timeout_ms=dice.uniform(0, 20) ** 2 / 20,
            workers=dice.choice((1, 2)),
            intra_op_threads=dice.choice((1, 2)),
            precision=dice.choice(("fp32", "int8")),
        )
        kinds = (FailureKind.CRASH, FailureKind.NOT_READY, FailureKind.ERRORS)
        reasons = (
            "the server ended under load (SIGKILL)",
            "not ready after 30 s",
            "41 of 1,312 requests failed (3.1 %)",
        )
        lost = dice.random() < 0.08
        which = dice.randrange(3)
        outcomes.append((chosen, failure(kinds[which], reasons[which]) if lost else _launch(chosen, loads, dice)))
    made = study(outcomes, loads=tuple(loads), slo=slo, **changes)
    kept = ranked(trial for trial in made.trials if feasible(trial, made.settings.limits))
    finalists = [made.trials[0], *(trial for trial in kept[:2] if trial.number)]
    return confirmed(
        made, {trial.number: [_launch(trial.configuration, loads, dice) for _ in range(4)] for trial in finalists}
    )


def with_arrivals(base: Study, rate: float, p99: Mapping[int, float]) -> Study:
    """The same study whose confirming launches have an open loop at `rate` too: the p99 of each trial, give or take."""
    (load,) = opened([rate])

    def arrived(one: Confirmation) -> Confirmation:
        assert isinstance(one.outcome, Measurement)
        found = level(load, rate, p99[one.trial] * (1.0 + 0.01 * (one.round % 2)))
        return replace(one, outcome=replace(one.outcome, arrivals=found))

    return replace(base, confirmations=tuple(map(arrived, base.confirmations)))


def rates(**changes: Any) -> Study:
    """A search in open loop at 50 and 200 req/s, with an SLO, sessions and the conditions of every level."""
    light, heavy = opened((50.0, 200.0))
    conditions = Conditions(lag_p99=0.0004, lag_most=0.003, lateness_p99=0.0005, other_programs=0.02, stolen=0.001)

    def launch(p99: float, more: float = 1.0) -> Measurement:
        seen: dict[str, Any] = {"session_p99": Interval(value=3 * p99, low=None, high=None), "conditions": conditions}
        return measurement(
            [
                level(light, 50.0, 0.5 * p99 * more, goodput=50.0, **seen),
                level(heavy, 199.4, p99 * more, goodput=198.0, **seen),
            ]
        )

    outcomes: list[tuple[Configuration, Outcome]] = [
        (configuration(), launch(0.048)),
        (configuration(max_batch_size=8), launch(0.031)),
        (configuration(workers=2, intra_op_threads=1), failure(FailureKind.OVERLOADED, "the queue only grew")),
        (configuration(max_batch_size=4), launch(0.0215)),
        (configuration(max_batch_size=4, batch_timeout_ms=2.0), launch(0.0222)),
    ]
    made = study(
        outcomes,
        **{"loads": (light, heavy), "slo": Slo(metric="p99", limit=0.060), "rounds": 3, "processes": 2, **changes},
    )
    wobbles = (0.98, 1.0, 1.03)
    return confirmed(
        made,
        {trial: [launch(p99, wobble) for wobble in wobbles] for trial, p99 in ((0, 0.047), (3, 0.0212), (4, 0.0214))},
    )


def _launch(chosen: Configuration, loads: Sequence[Load], dice: random.Random) -> Measurement:
    """A rough model of a batching server on two cores."""
    batch, wait = float(chosen["max_batch_size"]), float(chosen["batch_timeout_ms"]) / 1e3
    cores = min(2.0, float(chosen["workers"]) * float(chosen["intra_op_threads"])) ** 0.7
    base = 0.0056 / (1.75 if chosen["precision"] == "int8" else 1.0) / cores
    levels, doubts = [], []
    for load in loads:
        formed = min(batch, max(1.0, load.amount / (2 if load.loop is Loop.CLOSED else 40)))
        service = base * formed * (0.42 + 0.58 / formed)
        throughput, p99 = _carried(load, formed, service, wait * (formed < batch), dice)
        low, high = p99 * dice.uniform(0.86, 0.96), p99 * dice.uniform(1.05, 1.3)
        interval = Interval(value=p99, low=low, high=high if dice.random() > 0.05 else None)
        made = level(load, throughput, p99, p99=interval, batch_size=formed, cpu_per_request=service / formed * 1.3)
        if made.requests < 1000:
            message = f"at {load}: p99 rests on {made.requests} requests, 1000 are better"
            doubts.append(Doubt(kind=DoubtKind.FEW_SAMPLES, message=message))
        levels.append(made)
    if dice.random() < 0.05:
        doubts.append(Doubt(kind=DoubtKind.STALL, message=f"at {loads[-1]}: no answer came for 240 ms"))
    return measurement(levels, 0.9387 if chosen["precision"] == "int8" else 0.9438, doubts)


def _carried(load: Load, formed: float, service: float, wait: float, dice: random.Random) -> tuple[float, float]:
    """Throughput and p99: of users who wait for their answers, or of arrivals that queue."""
    if load.loop is Loop.OPEN:
        busy = min(load.rate * service / formed, 0.98)
        return load.rate, (service + wait) * (1.0 + 2.0 * busy / (1.0 - busy)) * dice.uniform(1.25, 1.6)
    answered = min(load.users / (service + wait + 0.0012), formed / service)
    throughput = answered * dice.lognormvariate(0, 0.03)
    return throughput, load.users / throughput * dice.uniform(1.25, 1.9) + wait * 0.4
