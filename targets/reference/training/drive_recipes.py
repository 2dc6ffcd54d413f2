"""How every network of the drive agent is made: from which weights, by which objective, with how many scenes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from drive_data import SEED, held_out
from drive_net import STUDENT_WIDTHS, Network
from drive_slimming import narrowed, priced
from drive_teaching import Hint, soft_labels
from drive_training import Course, Objective, fit, plain, predictions
from shares import wilson

NARROW_WIDTHS = (32, 32, 48, 48, 80, 80, 96)
"""About half the channels of the full network, a third of its work."""
WHOLE, SHORT = Course(examples=84_000), Course(examples=42_000)
"""After the short one, a network of half the width answered better than the full one."""
TUNING = Course(examples=9_600, peak_rate=3e-3, seed=SEED + 1)
"""What follows a cut; its scenes are new."""
Start = tuple[Network, Objective]
Get = Callable[[str], Network]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A network and how to train it; `controls` are what it has to beat to be worth its trouble."""

    start: Callable[[Get], Start]
    course: Course = WHOLE
    parent: str | None = None
    controls: tuple[str, ...] = ()
    shipped: bool = True


def hinted(get: Get) -> Start:
    """A student that is shown the last map of the full network."""
    student = Network(STUDENT_WIDTHS)
    return student, Hint(get("base"), student)


RECIPES: Mapping[str, Recipe] = {
    "base": Recipe(start=lambda _: (Network(), plain)),
    "priced": Recipe(start=lambda _: (Network(), priced), shipped=False),
    "narrow": Recipe(
        start=lambda _: (Network(NARROW_WIDTHS), plain),
        course=replace(WHOLE, examples=WHOLE.examples + TUNING.examples),
    ),
    "finetuned": Recipe(
        start=lambda get: (narrowed(get("base"), NARROW_WIDTHS), plain),
        course=TUNING,
        parent="base",
        controls=("narrow",),
    ),
    "slimmed": Recipe(
        start=lambda get: (narrowed(get("priced"), NARROW_WIDTHS), plain),
        course=TUNING,
        parent="priced",
        controls=("narrow", "finetuned"),
    ),
    "student": Recipe(start=lambda _: (Network(STUDENT_WIDTHS), plain), course=SHORT),
    "distilled": Recipe(
        start=lambda get: (Network(STUDENT_WIDTHS), soft_labels(get("base"))), course=SHORT, controls=("student",)
    ),
    "hinted": Recipe(start=hinted, course=SHORT, controls=("student",)),
}


class Workshop:
    """The networks that are trained already, in a folder, and those still to train."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, name: str) -> Network:
        """The trained network `name`."""
        kept = self._kept(name)
        network = Network(kept["widths"])
        network.load_state_dict(kept["weights"])
        return network.eval()

    def facts(self, name: str) -> dict[str, Any]:
        """What its training was."""
        facts: dict[str, Any] = self._kept(name)["facts"]
        return facts

    def _kept(self, name: str) -> dict[str, Any]:
        path = self._folder / f"{name}.pt"
        if not path.exists():
            torch.save(self._make(name), path)
        kept: dict[str, Any] = torch.load(path)
        return kept

    def _make(self, name: str) -> dict[str, Any]:
        recipe = RECIPES[name]
        if recipe.parent:
            self._kept(recipe.parent)
        torch.manual_seed(recipe.course.seed)
        network, objective = recipe.start(self.get)
        facts: dict[str, Any] = {
            "seed": recipe.course.seed,
            "examples": recipe.course.examples,
            "widths": list(network.widths),
        }
        if recipe.parent:
            facts |= {"parent": recipe.parent, "parent_cpu_seconds": self.facts(recipe.parent)["cpu_seconds"]}
            facts["before_tuning"] = accuracy(network)
        print(f"training {name}", flush=True)
        facts["cpu_seconds"] = round(fit(network, recipe.course, objective))
        print(f"{name}: {accuracy(network)}, {facts['cpu_seconds']} seconds of CPU", flush=True)
        return {"widths": network.widths, "weights": network.state_dict(), "facts": facts}


def accuracy(network: Network) -> dict[str, float]:
    """The share of right answers on the validation split."""
    examples = held_out()["validation"]
    given = predictions(network, examples)
    return wilson(sum(one == example.label for one, example in zip(given, examples, strict=True)), len(examples))
