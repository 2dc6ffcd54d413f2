"""A loaded model: rows of tokens in, rows of scores out."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reference_agent.agents import Agent
from reference_agent.errors import StartError
from reference_agent.inference.description import Description
from reference_agent.inference.resources import Resources
from reference_agent.inference.session import (
    ORT_PACKAGE,
    ORT_VERSION,
    Session,
    check_tensors,
    open_session,
    precision,
    read_model_file,
    share_on_provider,
)
from reference_agent.inference.tokenizer import RESERVED, Tokenizer

Buffer = bytes | memoryview
REHEARSAL_LENGTH = 16
"""Tokens of a rehearsed request: as many as a usual one."""


class Model:
    """One session and what it says of itself."""

    def __init__(self, session: Session, agent: Agent, description: Description) -> None:
        self.description = description
        self._session = session
        self._input_name, self._output_names = agent.input_name, [agent.output_name]

    @classmethod
    def load(cls, agent: Agent, path: Path, resources: Resources) -> "Model":
        """Open `path` as asked; raise StartError unless everything is."""
        content, provider = read_model_file(path), resources.execution_provider
        session, threads = open_session(content, path, resources)
        check_tensors(session, agent, path)
        metadata: dict[str, str] = session.get_modelmeta().custom_metadata_map
        labels, tokenizer = _training_facts(metadata, agent, path)
        description = Description(
            agent=agent.name,
            labels=labels,
            vocabulary=tokenizer.vocabulary,
            max_length=tokenizer.max_length,
            precision=precision(session, metadata.get("precision"), path),
            model_sha256=hashlib.sha256(content).hexdigest(),
            execution_provider=provider,
            nodes_on_provider=share_on_provider(session, provider),
            intra_op_threads=threads,
            onnxruntime=ORT_VERSION,
            runtime=ORT_PACKAGE,
        )
        return cls(session, agent, description)

    def run(self, rows: Sequence[Buffer], shape: tuple[int, int] | None = None) -> NDArray[np.float32]:
        """Return the scores of `rows` of token numbers, padded to `shape` or, without one, to the longest of them."""
        tokens = [np.frombuffer(row, dtype=np.int64) for row in rows]
        padded = np.zeros(shape or (len(tokens), max(map(len, tokens))), dtype=np.int64)
        for row, numbers in zip(padded, tokens, strict=False):
            row[: len(numbers)] = numbers
        # A row of nothing but padding has nothing to attend to: the first one stands in its place.
        padded[len(rows) :] = padded[0]
        scores: NDArray[np.float32] = self._session.run(self._output_names, {self._input_name: padded})[0]
        return scores[: len(rows)]

    def rehearse(self, batch_size: int) -> None:
        """Answer one request and one batch of `batch_size`, so that no client pays for first times."""
        row = np.full(REHEARSAL_LENGTH, RESERVED, dtype=np.int64).tobytes()
        for size in sorted({1, batch_size}):
            try:
                scores = self.run([row] * size)
            except Exception as error:  # whatever the graph does
                raise StartError(f"the model cannot compute {size} x {REHEARSAL_LENGTH} tokens: {error}") from None
            expected = (size, len(self.description.labels))
            if scores.shape != expected or not np.isfinite(scores).all():
                raise StartError(
                    f"the model answers with scores of shape {scores.shape}, finite scores of shape {expected} "
                    "were expected: its labels and its graph do not belong together"
                )


def _training_facts(metadata: Mapping[str, str], agent: Agent, path: Path) -> tuple[tuple[str, ...], Tokenizer]:
    """Read the labels and the tokenizer from the file's metadata: only the training knew them."""
    try:
        made_for = metadata["agent"]
        labels = tuple(map(str, json.loads(metadata["labels"])))
        tokenizer = Tokenizer(vocabulary=int(metadata["vocabulary"]), max_length=int(metadata["max_length"]))
    except (KeyError, ValueError, TypeError) as error:
        raise StartError(
            f"{path}: its metadata lack a sound agent, labels, vocabulary or max_length ({error!r}); "
            "export it as training/search_export.py does"
        ) from None
    if made_for != agent.name:
        raise StartError(f"{path}: is a model of the agent {made_for!r}, not of {agent.name!r}; change --agent")
    return labels, tokenizer
