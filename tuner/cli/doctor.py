"""`tuner doctor`: what this machine can measure."""

from typing import Annotated

import typer

from tuner.cli import options


def doctor(
    context: typer.Context,
    target: options.TargetName = "reference",
    users: options.Users = None,
    rate: options.Rate = None,
    runtime_python: options.RuntimePython = None,
    launches: Annotated[
        int,
        typer.Option(
            "--launches", min=3, help="How many times to launch the target with its defaults, to see the noise."
        ),
    ] = 6,
) -> None:
    """Measure this machine: its noise, its load generator, what is in the way; in two minutes, in open loop more.

    Searches that begin afterwards, of the same target here, show differences below the noise as ties.

    Example: tuner doctor --users 4,32
    """
    output = options.output(context)
    workload = options.workload(users, rate, None, None)
    prepared = options.prepared(context, target, workload, runtime_python=runtime_python)
    loaded = prepared.target
    # Late: all this takes a while to load, and what is mistyped is told before.
    import json

    from tuner.cli.scratch import scratch
    from tuner.doctor import store
    from tuner.doctor.console import print_diagnosis
    from tuner.doctor.diagnosis import dump_diagnosis
    from tuner.doctor.examination import examine
    from tuner.errors import InvalidMeasurementError
    from tuner.machine import fingerprint
    from tuner.measure.protocol import Protocol
    from tuner.measure.verify import Verifier
    from tuner.report.progress import LaunchProgress
    from tuner.study.objectives import Limits
    from tuner.target import spec

    with scratch("doctor") as folder, LaunchProgress(output, aloud=True) as progress:
        protocol = Protocol(
            target=loaded,
            workload=workload,
            limits=Limits(),
            verifier=Verifier(loaded, folder / "answers", workload.concurrency),
            machine=fingerprint(),
            placement=prepared.placement,
            watcher=progress.watcher,
        )
        diagnosis = examine(protocol, spec.reference(target), prepared.given, launches, folder)
    print_diagnosis(diagnosis, output)
    found = json.loads(dump_diagnosis(diagnosis))
    output.tell({**found, "kept": None})
    if diagnosis.noise is None:
        raise InvalidMeasurementError("too few launches were valid to know the noise; first fix what is marked `look`")
    kept = str(store.save(diagnosis))
    output.tell({**found, "kept": kept})
    output.say(f"Kept for the searches to come: {kept}")
