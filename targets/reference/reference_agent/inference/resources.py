"""What one session may use."""

from dataclasses import dataclass

CPU = "CPUExecutionProvider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Options of an ONNX Runtime session; the defaults are for a model that is only looked at."""

    execution_provider: str = CPU
    intra_op_threads: int = 1
    """Threads that share the work of one operator; 0 leaves the choice to ONNX Runtime: one a core."""
    inter_op_threads: int = 1
    """Operators that run at the same time; above 1 the graph is executed in parallel."""
    spinning: bool = True
    """Whether threads without work wait by spinning, which is fast and takes a core each."""
    memory_arena: bool = True
    """Whether freed memory is kept for the next request."""
