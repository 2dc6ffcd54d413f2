"""What a running session says of itself: read by a worker, shown by the front."""

from dataclasses import dataclass

from reference_agent.inference.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Facts of one loaded model and its session; equal in all workers of a server."""

    agent: str
    labels: tuple[str, ...]
    vocabulary: int
    max_length: int
    precision: str
    """As the model's metadata says and its operators confirm."""
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

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that the model was trained with."""
        return Tokenizer(vocabulary=self.vocabulary, max_length=self.max_length)
