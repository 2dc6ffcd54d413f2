"""Where the raw material of a study lies: the names of the folders inside its own."""

from pathlib import Path

SAMPLES = "samples.npy"
"""The file with every request of a launch."""


def trial_folder(study: Path, number: int) -> Path:
    """Where a trial's raw material lies."""
    return study / "trials" / f"{number:04d}"


def confirmation_folder(study: Path, number: int, trial: int) -> Path:
    """Where the raw material of a finalist lies, by round."""
    return study / "confirmation" / f"{number:02d}-{trial:04d}"
