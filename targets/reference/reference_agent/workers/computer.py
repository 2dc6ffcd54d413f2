"""What a worker does, wherever it runs: load a model, rehearse, compute batches."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from reference_agent.agents import AGENTS
from reference_agent.inference.description import Description
from reference_agent.inference.model import Buffer, Model
from reference_agent.workers.spec import WorkerSpec
from reference_agent.workers.wire import Shape


class Computer:
    """The sessions of one worker."""

    def __init__(self, wide: Model, narrow: Model) -> None:
        self._wide, self._narrow = wide, narrow

    @classmethod
    def load(cls, spec: WorkerSpec) -> "Computer":
        """Open what was ordered and rehearse; raise StartError when that cannot be done."""
        agent, path = AGENTS[spec.agent], Path(spec.model)
        wide = narrow = Model.load(agent, path, spec.resources)
        if spec.narrows:
            narrow = Model.load(agent, path, replace(spec.resources, intra_op_threads=1))
        for model in {wide, narrow} if spec.rehearsal else ():
            model.rehearse(spec.rehearsal)
        return cls(wide, narrow)

    @property
    def description(self) -> Description:
        """What the sessions say of themselves."""
        return self._wide.description

    def compute(self, rows: Sequence[Buffer], shape: Shape) -> tuple[float, bytes]:
        """Compute rows padded to `shape`; return the seconds that took, and the scores of the rows."""
        started = time.perf_counter()
        model = self._wide if shape.wide else self._narrow
        scores = model.run(rows, (shape.rows, shape.columns))
        return time.perf_counter() - started, scores.tobytes()
