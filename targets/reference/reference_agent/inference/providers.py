"""Which execution providers run a model here, and why the others do not: each is tried in a process of its own."""

import subprocess
import sys
import time
from pathlib import Path

from reference_agent.agents.agent import Agent
from reference_agent.inference.provider import CUDA, OPENVINO, TENSORRT
from reference_agent.inference.resources import CPU
from reference_agent.inference.runtimes import overlay
from reference_agent.inference.session import ORT_PACKAGE, ORT_VERSION, listed_providers

WANTED = (CPU, OPENVINO, CUDA, TENSORRT)
"""Named also where they are missing, with the reason."""
NO_COMPUTERS = frozenset({"AzureExecutionProvider"})
"""Listed by every build, but they send requests elsewhere."""
LONGEST_SECONDS = 40.0
"""For all attempts, which run at the same time; a driver may compile the model first."""


def working_providers(agent: Agent, model: Path, runtimes: str) -> dict[str, str]:
    """For each provider the reason why it does not run `model`; empty for those that do, as the CPU must."""
    listed = set(listed_providers()) - NO_COMPUTERS
    wanted = list(dict.fromkeys([*WANTED, *sorted(listed)]))
    tried = [name for name in wanted if name != CPU and (name in listed or overlay(runtimes, name))]
    attempts = {name: _begin(agent, model, name, runtimes) for name in tried}
    deadline = time.monotonic() + LONGEST_SECONDS
    outcomes = {name: _outcome(attempt, name, deadline) for name, attempt in attempts.items()}
    absent = f"not in {ORT_PACKAGE} {ORT_VERSION}"
    return {name: "" if name == CPU else outcomes.get(name, absent) for name in wanted}


def _begin(agent: Agent, model: Path, provider: str, runtimes: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "reference_agent.inference.attempt", "--agent", agent.name, "--model", str(model)]
    return subprocess.Popen(
        [*command, "--execution-provider", provider, "--runtimes", runtimes],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def _outcome(attempt: "subprocess.Popen[str]", provider: str, deadline: float) -> str:
    """Wait for an attempt and say why it failed; empty when it did not."""
    try:
        _, said = attempt.communicate(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        attempt.kill()
        attempt.communicate()
        return f"{provider} had not computed one row after {LONGEST_SECONDS:g} s"
    if attempt.returncode == 0:
        return ""
    if attempt.returncode < 0:
        return f"{provider} ended its process with signal {-attempt.returncode}"
    return (said.strip().splitlines() or [f"exit code {attempt.returncode}"])[-1]
