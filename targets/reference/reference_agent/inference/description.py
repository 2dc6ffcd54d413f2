"""What a running session says of itself: read by a worker, shown by the front."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reference_agent.agents.signature import Signature, read_signature
from reference_agent.inference.precision import Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Facts of one loaded model and its session; equal in all workers of a server."""

    agent: str
    signature: Signature
    precision: Precision
    """As the model's metadata says and its operators confirm."""
    compression: str
    """As the model's metadata says."""
    model_sha256: str
    execution_provider: str
    nodes_on_provider: float
    """Share of the graph's nodes that the provider runs, 0 to 1."""
    intra_op_threads: int
    """Threads that compute one request, counted, never 0."""
    onnxruntime: str
    """Its version."""
    runtime: str
    """The package that it came in, which says what it was built for."""

    @property
    def version(self) -> str:
        """A short name of exactly this model file."""
        return self.model_sha256[:12]


def read_description(written: Mapping[str, Any]) -> Description:
    """Return the description that was written as JSON."""
    return Description(**dict(written) | {"signature": read_signature(written["signature"])})
