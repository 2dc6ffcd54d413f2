"""Which model files variants are made from."""

import argparse
from pathlib import Path

from reference_agent.agents import calibration_rows, trained_models
from reference_agent.command_line import chosen_model
from reference_agent.variants.variant import Compression


def base_models(arguments: argparse.Namespace) -> dict[str, Path]:
    """The file to begin with for every compression: what only training can do has a file of its own."""
    trained = {} if arguments.model else trained_models(arguments.agent)
    return dict.fromkeys(map(str, Compression), chosen_model(arguments)) | trained


def chosen_rows(arguments: argparse.Namespace) -> Path | None:
    """The rows to calibrate with: those that were given, or those of the bundled agent."""
    if arguments.calibration:
        return Path(arguments.calibration)
    bundled = calibration_rows(arguments.agent)
    return bundled if bundled.is_file() else None
