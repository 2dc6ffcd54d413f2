"""The agents that this server knows: their bundled model and the tensors that go in and come out."""

from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]

PRECISIONS = ("fp32", "int8")
"""What a bundled model can be built at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A task with a bundled model: rows of 64-bit token numbers in, one row of 32-bit scores out for each."""

    name: str
    model: Path
    input_name: str
    output_name: str


AGENTS = {
    agent.name: agent
    for agent in (
        Agent(name="search", model=HOME / "models" / "search.onnx", input_name="input_ids", output_name="logits"),
    )
}
