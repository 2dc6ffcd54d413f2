"""A loaded model: rows of numbers in, rows of scores out."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reference_agent.agents.agent import Agent
from reference_agent.errors import StartError
from reference_agent.inference.description import Description
from reference_agent.inference.resources import Resources
from reference_agent.inference.session import (
    ORT_PACKAGE,
    ORT_VERSION,
    Session,
    interface,
    open_session,
    precision,
    read_model_file,
    share_on_provider,
)

Buffer = bytes | memoryview
DTYPES = {"INT64": np.int64, "INT32": np.int32, "UINT8": np.uint8, "FP32": np.float32}


class Model:
    """One session and what it says of itself."""

    def __init__(self, session: Session, agent: Agent, description: Description) -> None:
        self.description = description
        self._session = session
        self._agent = agent
        signature = description.signature
        self._dtype = np.dtype(DTYPES[signature.input.datatype])
        self._input_name, self._output_names = signature.input.name, [signature.output.name]
        self._shape = signature.input.shape if len(signature.input.shape) > 1 else None

    @classmethod
    def load(cls, agent: Agent, path: Path, resources: Resources) -> "Model":
        """Open `path` as asked; raise StartError unless everything is."""
        return cls.opened(agent, read_model_file(path), path, resources)

    @classmethod
    def opened(cls, agent: Agent, content: bytes, path: Path, resources: Resources) -> "Model":
        """Open a model that was read from `path`."""
        session, threads = open_session(content, path, resources)
        metadata: dict[str, str] = session.get_modelmeta().custom_metadata_map
        try:
            signature = agent.signature(interface(session), metadata)
        except StartError as error:
            raise StartError(f"{path}: {error}") from None
        provider = resources.execution_provider
        description = Description(
            agent=agent.name,
            signature=signature,
            precision=precision(session, metadata.get("precision"), path),
            compression=metadata.get("compression", "none"),
            model_sha256=hashlib.sha256(content).hexdigest(),
            execution_provider=provider,
            nodes_on_provider=share_on_provider(session, provider),
            intra_op_threads=threads,
            onnxruntime=ORT_VERSION,
            runtime=ORT_PACKAGE,
        )
        return cls(session, agent, description)

    def run(self, rows: Sequence[Buffer], shape: tuple[int, int] | None = None) -> NDArray[np.float32]:
        """Return the scores of `rows` of elements, padded to `shape` or, without one, to the longest of them."""
        found = [np.frombuffer(row, dtype=self._dtype) for row in rows]
        padded = np.zeros(shape or (len(found), max(map(len, found))), dtype=self._dtype)
        for row, numbers in zip(padded, found, strict=False):
            row[: len(numbers)] = numbers
        # A row of nothing but padding may be none that the model can read: the first one stands in its place.
        padded[len(rows) :] = padded[0]
        given = padded if self._shape is None else padded.reshape(-1, *self._shape)
        scores: NDArray[np.float32] = self._session.run(self._output_names, {self._input_name: given})[0]
        return scores[: len(rows)]

    def rehearse(self, batch_size: int) -> None:
        """Answer one request and one batch of `batch_size`, so that no client pays for first times."""
        signature = self.description.signature
        row = self._agent.sample(signature)
        length = len(row) // self._dtype.itemsize
        for size in sorted({1, batch_size}):
            try:
                scores = self.run([row] * size)
            except Exception as error:  # whatever the graph does
                raise StartError(f"the model cannot compute {size} x {length} numbers: {error}") from None
            expected = (size, self._agent.scored(length, signature))
            if scores.shape != expected or not np.isfinite(scores).all():
                raise StartError(
                    f"the model answers with scores of shape {scores.shape}, finite scores of shape {expected} "
                    "were expected: its labels and its graph do not belong together"
                )
