"""Every variant of a bundled model that works here, built as a trial builds it, and a process that computes one."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models import REPOSITORY
from table import progress

from tuner.study.space import Configuration
from tuner.target.prepare import PrepareError, artifact
from tuner.target.spec import Target

HOME = REPOSITORY / "targets" / "reference"
CPU = "CPUExecutionProvider"
PARAMETERS = {"low_rank": "energy", "pruned": "keep"}
"""Of the compressions that have one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A variant in the cache, which took `seconds` to build."""

    agent: str
    configuration: Configuration
    model: Path
    seconds: float

    @property
    def precision(self) -> str:
        """Its number format."""
        return str(self.configuration["precision"])

    @property
    def compression(self) -> str:
        """What was taken out of it, with how much was kept."""
        name = str(self.configuration["compression"])
        return f"{name} {self.configuration[PARAMETERS[name]]}" if name in PARAMETERS else name

    @property
    def provider(self) -> str:
        """What computes it."""
        return str(self.configuration["execution_provider"])


class Running:
    """A process that computes one variant, when it is told to."""

    def __init__(self, built: Built, runtimes: str) -> None:
        program = str(Path(__file__).with_name("variant.py"))
        self.built = built
        self._process = subprocess.Popen(
            [sys.executable, program, built.agent, str(built.model), built.provider, runtimes],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(HOME)},
        )  # fmt: skip
        self.works = self._read() == "ready\n"

    def ask(self, *words: object) -> Any:
        """Give a command and return the answer."""
        assert self._process.stdin is not None
        print(*words, file=self._process.stdin, flush=True)
        return json.loads(self._read())

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def configurations(target: Target) -> Iterator[Configuration]:
    """The variants that may work here, the default first; a compression with a parameter at each of its values.

    Only for the CPU itself are compressions tried: there are many, and what they leave out no provider computes.
    """
    space = target.space
    default = space.default()
    for variant in target.names["variants"]:
        precision, compression, provider = variant.split()
        if provider != CPU and compression != "none":
            continue
        chosen = {**default, "precision": precision, "compression": compression, "execution_provider": provider}
        parameter = PARAMETERS.get(compression)
        for value in getattr(space.knob(parameter), "choices", ()) if parameter else ("",):
            yield space.configuration({**chosen, **({parameter: value} if parameter else {})})


def build(target: Target, cache: Path) -> list[Built]:
    """Build every variant; what is refused is told and left out."""
    built = []
    for configuration in configurations(target):
        started = time.perf_counter()
        try:
            with artifact(target, configuration, cache) as made:
                assert made.folder is not None
                model, seconds = made.folder / "model.onnx", time.perf_counter() - started
        except PrepareError as error:
            progress(str(error))
            continue
        agent = str(target.names["agent"])
        built.append(Built(agent=agent, configuration=configuration, model=model, seconds=seconds))
    return built
