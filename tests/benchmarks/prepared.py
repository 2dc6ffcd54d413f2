"""How long a variant takes to build, and how long a later launch takes to get it from the cache.

    python tests/benchmarks/prepared.py [--repetitions 5]

Every precision with every compression that the facts of an agent offer for the CPU, built into an empty cache, then
taken from it, with all digests checked, as a launch does. Takes a minute.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from table import close, head, progress, row, spread

from tuner.study.space import Configuration
from tuner.target import spec
from tuner.target.prepare import artifact
from tuner.target.spec import Target

AGENTS = ("search", "recommend", "drive")
LONGEST_BUILD = 20.0
LONGEST_TAKE = 0.05


def configurations(target: Target) -> list[Configuration]:
    """The variants for the CPU: each precision with each compression, where they go together."""
    values = [text.split(" ") for text in target.names["variants"]]
    return [
        target.space.configuration({"precision": precision, "compression": compression})
        for precision, compression, provider in values
        if provider == "CPUExecutionProvider"
    ]


def seconds(target: Target, configuration: Configuration, cache: Path) -> float:
    """How long it takes until a launch could begin."""
    began = time.perf_counter()
    with artifact(target, configuration, cache):
        return time.perf_counter() - began


def measured(agent: str, repetitions: int) -> tuple[Sequence[float], Sequence[float]]:
    """Seconds of every build, and of taking each variant again so many times."""
    target = spec.load("reference", {"agent": agent})
    builds, takes = [], []
    with TemporaryDirectory(prefix="prepared-") as cache:
        for configuration in configurations(target):
            progress(f"{agent}: {configuration['precision']}, {configuration['compression']}")
            builds.append(seconds(target, configuration, Path(cache)))
            takes += [seconds(target, configuration, Path(cache)) for _ in range(repetitions)]
    return builds, takes


def main() -> None:
    """Print the table and judge it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    repetitions = parser.parse_args().repetitions
    found = {agent: measured(agent, repetitions) for agent in AGENTS}
    head("agent", "variants", "build, s", "from the cache, ms")
    for agent, (builds, takes) in found.items():
        row(agent, str(len(builds)), spread(builds, digits=1), spread(takes, 1000.0, 1))
    slow = [one for one, (builds, takes) in found.items() if max(builds) > LONGEST_BUILD or max(takes) > LONGEST_TAKE]
    close(slow, f"at most {LONGEST_BUILD:g} s to build, {LONGEST_TAKE * 1000:g} ms from the cache")


if __name__ == "__main__":
    main()
