"""The search agent's data: requests to an assistant, drawn from a grammar in which word order decides the label.

Twenty-four intents come in twelve pairs. The two intents of a pair are said with the same words and differ in the
roles of two things: which is the source, which comes first, which wins. Around them stand second actions that are
refused, postponed, undone or taken back, so the answer is always *the one action to carry out next*. A model that
only counts words knows the topic at best.

Only `Random.random` is used: its stream is the same on every machine and in every Python version.

    python search_data.py --out ../data        # writes search_validation.jsonl and search_test.jsonl
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import TypeVar

from search_grammar import FAMILIES, Family
from search_phrases import CLOSINGS, CORRECTIONS, DISTRACTORS, FRAGMENTS, OPENINGS, PAIRED, REVERSALS

SEED = 20261
MAX_WORDS = 64
SIZES = {"validation": 1000, "test": 2000}

TYPO_RATE = 0.012
DROP_RATE = 0.006
T = TypeVar("T")
Shape = Callable[[Random, "Action"], str]
INTENTS = tuple(name for family in FAMILIES for name in (family.forward, family.backward))


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A request and the intent to carry out next."""

    text: str
    intent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that can be asked for: a family of two intents, and which of the two."""

    family: Family
    backward: bool

    @property
    def intent(self) -> str:
        """The label of this action."""
        return self.family.backward if self.backward else self.family.forward

    @property
    def mirrored(self) -> "Action":
        """The other intent of the pair: same words, roles exchanged."""
        return Action(family=self.family, backward=not self.backward)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """An action in words, with its verb as an order ("move …") and as a noun ("moving …")."""

    order: str
    noun: str


def pick(random: Random, items: Sequence[T]) -> T:
    """Draw one of `items`."""
    return items[int(random.random() * len(items))]


def weighted(random: Random, table: Sequence[tuple[float, T]]) -> T:
    """Draw from (weight, item) rows."""
    mark = random.random() * sum(weight for weight, _ in table)
    for weight, item in table:
        mark -= weight
        if mark < 0:
            return item
    return table[-1][1]


def draw_action(random: Random) -> Action:
    """Draw any of the intents, all equally likely."""
    return Action(family=pick(random, FAMILIES), backward=random.random() < 0.5)


def other_action(random: Random, action: Action) -> Action:
    """Draw a second action for the same sentence, most often the mirrored one."""
    if random.random() < 0.6:
        return action.mirrored
    while (other := draw_action(random)).intent == action.intent:
        pass
    return other


def ends(random: Random, action: Action) -> tuple[str, str]:
    """Name the two things of an action in their roles."""
    first, second = pick(random, action.family.first), pick(random, action.family.second)
    return (second, first) if action.backward else (first, second)


def say(random: Random, action: Action) -> Clause:
    """Put an action into words."""
    family = action.family
    a, b = ends(random, action)
    verbs, pattern = pick(random, family.patterns)
    order, noun = pick(random, verbs)
    rest = pattern.format(a=a, b=b, o=pick(random, family.objects))
    return Clause(order=f"{order} {rest}", noun=f"{noun} {rest}")


def plain(random: Random, action: Action) -> str:
    """The action alone."""
    return say(random, action).order


def paired(random: Random, action: Action) -> str:
    """The action beside one that is refused, postponed or over."""
    yes, no = say(random, action), say(random, other_action(random, action))
    return pick(random, PAIRED).format(yes=yes.order, yes_noun=yes.noun, no=no.order, no_noun=no.noun)


def reversed_(random: Random, action: Action) -> str:
    """The mirrored action, then words that turn it round."""
    return pick(random, REVERSALS).format(no=say(random, action.mirrored).order)


def amended(random: Random, action: Action) -> str:
    """The mirrored action, then a correction that names the two ends only."""
    a, b = ends(random, action)
    return pick(random, FRAGMENTS).format(no=say(random, action.mirrored).order, a=a, b=b)


def corrected(random: Random, action: Action) -> str:
    """A whole request that is taken back, then the one that counts; either may be a sentence of two actions."""
    wrong = pick(random, (plain, plain, plain, paired))(random, other_action(random, action))
    right = pick(random, (plain, plain, plain, paired))(random, action)
    return pick(random, CORRECTIONS).format(no=wrong, yes=right)


SHAPES = ((0.54, plain), (0.27, paired), (0.05, reversed_), (0.05, amended), (0.09, corrected))
PRACTICE = ((0.34, plain), (0.40, paired), (0.05, reversed_), (0.06, amended), (0.15, corrected))
"""What trains holds more of what is hard: a plain request is learnt from few examples."""


def misspell(random: Random, word: str) -> str:
    """Exchange, lose or repeat one letter inside a word."""
    at = 1 + int(random.random() * (len(word) - 2))
    swapped = word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
    return pick(random, (swapped, word[:at] + word[at + 1 :], word[:at] + word[at:] + word[-1]))


def smudge(random: Random, text: str) -> str:
    """Type it as people do: now and then a letter is wrong or a word is missing."""
    words = []
    for word in text.split():
        mark = random.random()
        if mark < DROP_RATE:
            continue
        words.append(misspell(random, word) if mark < DROP_RATE + TYPO_RATE and len(word) > 3 else word)
    return " ".join(words)


def dress(random: Random, text: str) -> str:
    """Add what people say around a request: greetings, reasons, thanks."""
    if random.random() < 0.10:
        text = f"{pick(random, DISTRACTORS)} , {text}"
    if random.random() < 0.40:
        text = f"{pick(random, OPENINGS)} {text}"
    if random.random() < 0.10:
        text = f"{text} , {pick(random, DISTRACTORS)}"
    if random.random() < 0.30:
        text = f"{text} {pick(random, CLOSINGS)}"
    return text


def draw(random: Random, shapes: Sequence[tuple[float, Shape]]) -> Example:
    """Draw one example."""
    action = draw_action(random)
    shape = weighted(random, shapes)
    while shape is amended and not action.family.directed:
        shape = weighted(random, shapes)
    return Example(text=smudge(random, dress(random, shape(random, action))), intent=action.intent)


def stream(split: str, seed: int = SEED) -> Iterator[Example]:
    """Draw without end for one split, each text once and none longer than the model reads."""
    random, seen = Random(f"{seed}/{split}"), set[str]()
    shapes = PRACTICE if split == "train" else SHAPES
    while True:
        example = draw(random, shapes)
        if example.text not in seen and len(example.text.split()) <= MAX_WORDS:
            seen.add(example.text)
            yield example


def held_out(seed: int = SEED) -> dict[str, list[Example]]:
    """Draw the validation and the test split; they share no text."""
    taken, result = set[str](), dict[str, list[Example]]()
    for split, size in SIZES.items():
        fresh = (example for example in stream(split, seed) if example.text not in taken)
        result[split] = list(islice(fresh, size))
        taken.update(example.text for example in result[split])
    return result


def practice(seed: int = SEED) -> Iterator[Example]:
    """Draw examples to train with, without end; none has a text of a split that is held out."""
    taken = {example.text for examples in held_out(seed).values() for example in examples}
    return (example for example in stream("train", seed) if example.text not in taken)


def line(example: Example) -> str:
    """An example as the data files hold it."""
    return json.dumps({"request": {"text": example.text}, "answer": example.intent})


def write_held_out(folder: Path) -> None:
    """Write the two splits that are held out as JSON lines."""
    for split, examples in held_out().items():
        text = "".join(f"{line(example)}\n" for example in examples)
        (folder / f"search_{split}.jsonl").write_text(text, encoding="utf-8")


def main() -> None:
    """Write the two committed splits; what trains is drawn while it is needed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    write_held_out(arguments.out)


if __name__ == "__main__":
    main()
