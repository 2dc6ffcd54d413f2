"""What a worker is told when it starts."""

from dataclasses import dataclass

from reference_agent.inference.resources import Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """Which model a worker loads, with what, and where."""

    agent: str
    model: str
    resources: Resources
    narrows: bool
    """Whether a second session with one thread is opened, for batches that run beside others."""
    rehearsal: int
    """Rows of the batch that is computed before the worker calls itself ready; 0 for none."""
    runtime: str
    """The folder of the build of ONNX Runtime that its provider needs; empty for the installed one."""
    cores: tuple[int, ...]
    """The only cores that it may use; empty for all."""
