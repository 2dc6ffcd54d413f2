"""Where diagnoses are kept: one file for each machine, target and ladder of loads; the newest wins."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from platformdirs import user_state_path

from tuner.doctor.diagnosis import DIAGNOSIS_VERSION, Diagnosis, dump_diagnosis, load_diagnosis
from tuner.errors import StorageError
from tuner.files import write_atomically
from tuner.machine import Machine, comparable
from tuner.study.study import Noise
from tuner.study.workload import Load, Workload


def save(diagnosis: Diagnosis) -> Path:
    """Keep a diagnosis for the searches to come, in place of an earlier one of the same kind; returns its file."""
    path = _folder() / f"{fingerprint(diagnosis.target, diagnosis.loads, diagnosis.machine)}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, dump_diagnosis(diagnosis))
    except OSError as error:
        raise StorageError(f"{error.filename or path}: {error.strerror}; a disk full or not writable?") from error
    return path


def known_noise(target: str, workload: Workload, machine: Machine) -> Noise | None:
    """Return the newest noise of this machine with this target under these loads.

    Without one, it is that of the target under other loads of the same loop; without one of those, None.
    """
    found = [
        known
        for known in _kept()
        if known.noise is not None
        and known.target == target
        and known.loads[0].loop is workload.loop
        and comparable(known.machine, machine)
    ]
    newest = max(found, key=lambda one: (one.loads == workload.loads, _moment(one)), default=None)
    return newest.noise if newest else None


def fingerprint(target: str, loads: Sequence[Load], machine: Machine) -> str:
    """Name a diagnosis by what it holds for: what makes machines comparable, the target and the loads."""
    content = [machine.cpu, machine.cores, sorted(machine.versions.items()), target, [str(load) for load in loads]]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _folder() -> Path:
    return user_state_path("agent-tuner") / "doctor"


def _kept() -> Iterator[Diagnosis]:
    """Yield every diagnosis that can be read; one of another version, or half a file, is as good as none."""
    for path in sorted(_folder().glob("*.json")):
        with suppress(OSError, ValueError):
            known = load_diagnosis(path.read_text(encoding="utf-8"))
            if known.version == DIAGNOSIS_VERSION:
                yield known


def _moment(diagnosis: Diagnosis) -> float:
    return datetime.fromisoformat(diagnosis.measured).timestamp()
