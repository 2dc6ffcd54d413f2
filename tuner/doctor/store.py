"""Where diagnoses are kept: one file for each machine, target and ladder of loads; the newest wins."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from platformdirs import user_state_path

from tuner.doctor.diagnosis import DIAGNOSIS_VERSION, Diagnosis, dump_diagnosis, load_diagnosis
from tuner.errors import StorageError
from tuner.files import write_atomically
from tuner.machine import comparable
from tuner.study.study import Header, Noise
from tuner.study.workload import standard


def save(diagnosis: Diagnosis) -> Path:
    """Keep a diagnosis for the searches to come, in place of an earlier one of the same kind; returns its file."""
    path = _folder() / f"{fingerprint(diagnosis)}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, dump_diagnosis(diagnosis))
    except OSError as error:
        raise StorageError(f"{error.filename or path}: {error.strerror}; a disk full or not writable?") from error
    return path


def known_noise(header: Header) -> Noise | None:
    """Return the newest noise of just what a study measures: its machine, target, options, cores, loads and windows."""
    settings = header.settings
    found = [
        known
        for known in _kept()
        if known.noise is not None
        and (known.target, known.options) == (settings.target, settings.options)
        and known.runtime_python == settings.runtime_python
        and standard(known.loads) == replace(settings.workload, processes=1)
        and known.placement == header.placement
        and comparable(known.machine, header.machine)
    ]
    newest = max(found, key=_moment, default=None)
    return newest.noise if newest else None


def fingerprint(diagnosis: Diagnosis) -> str:
    """Name a diagnosis by what it holds for: what makes machines comparable, the target as it is run, and the loads."""
    machine, loads = diagnosis.machine, [str(load) for load in diagnosis.loads]
    target = [diagnosis.target, sorted(diagnosis.options.items()), diagnosis.runtime_python]
    content = [machine.cpu, machine.cores, sorted(machine.versions.items()), target, loads]
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
