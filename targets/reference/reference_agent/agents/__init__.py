"""The agents that this server knows: what each one reads, and what its scores mean."""

from pathlib import Path

from reference_agent.agents.agent import Agent
from reference_agent.agents.custom import Custom
from reference_agent.agents.drive import Drive
from reference_agent.agents.recommend import Recommend
from reference_agent.agents.search import Search
from reference_agent.agents.trained import Trained

HOME = Path(__file__).resolve().parents[2]

BUNDLED: dict[str, Trained] = {agent.name: agent for agent in (Search(), Recommend(), Drive())}
"""Those that come with models, requests and rows to calibrate with."""

AGENTS: dict[str, Agent] = {**BUNDLED, Custom.name: Custom()}


def bundled_model(agent: str) -> Path:
    """The model of an agent that comes with this server."""
    return HOME / "models" / f"{agent}.onnx"


def trained_models(agent: str) -> dict[str, Path]:
    """The models of an agent that were trained to be smaller, by what was done to them."""
    return {path.stem.removeprefix(f"{agent}-"): path for path in sorted((HOME / "models").glob(f"{agent}-*.onnx"))}


def calibration_rows(agent: str) -> Path:
    """Rows like those of the training, to find the scales of activations with."""
    return HOME / "data" / f"{agent}_calibration.npz"
