"""What the command lines of this package share: one sentence for every mistake, and the flags that choose a model."""

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from reference_agent.agents import AGENTS, BUNDLED, bundled_model
from reference_agent.errors import StartError

AUTO = "auto"
"""Instead of an agent: the one that the model was made for."""


class Parser(argparse.ArgumentParser):
    """A parser that shows defaults, and whose errors are one sentence on stderr and exit code 2."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.ArgumentDefaultsHelpFormatter, **options)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and end."""
        refuse(self.prog, message)


def refuse(program: str, message: str) -> NoReturn:
    """End with one sentence on stderr and exit code 2."""
    print(f"{program}: {message}", file=sys.stderr)
    raise SystemExit(2)


def whole(low: int, high: int) -> Callable[[str], int]:
    """A converter for whole numbers between `low` and `high`, both included."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{value} is not between {low} and {high}")
        return value

    return convert


def number(low: float, high: float) -> Callable[[str], float]:
    """A converter for numbers between `low` and `high`, both included."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number between {low:g} and {high:g}")
        return value

    return convert


def add_model_arguments(parser: argparse.ArgumentParser, *more_agents: str) -> None:
    """Add the two flags that choose a model, the same in every program of this package."""
    parser.add_argument("--agent", choices=[*sorted(AGENTS), *more_agents], default="search", help="the task")
    parser.add_argument("--model", default="", help="an ONNX file; empty for the bundled model")


def chosen_model(arguments: argparse.Namespace) -> Path:
    """The model file that the two flags choose; StartError when there is none."""
    if not arguments.model and arguments.agent not in BUNDLED:
        raise StartError(f"--agent {arguments.agent} comes without a model; give --model an ONNX file")
    return Path(arguments.model) if arguments.model else bundled_model(arguments.agent)
