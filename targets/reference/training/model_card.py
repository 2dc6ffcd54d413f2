"""Write MODEL_CARD.md: all models together, then every agent that is trained, in the numbers of their reports.

python model_card.py --out ..
"""

import argparse
import string
from collections.abc import Mapping
from pathlib import Path

import drive_card
import overview_card
import recommend_card
import search_card

HEAD = """<!-- Written by training/model_card.py from training/*_card.md; the numbers are those of models/*.json. -->

"""
QUOTES = {"search": search_card.quotes, "recommend": recommend_card.quotes, "drive": drive_card.quotes}


def write_card(home: Path) -> None:
    """Fill in the template of the overview and of every agent that has a report, and put them one after another."""
    models = home / "models"
    found = {agent: quotes for agent, quotes in QUOTES.items() if (models / f"{agent}.json").exists()}
    sections = [section(name, quotes(models)) for name, quotes in ({"overview": overview_card.quotes} | found).items()]
    (home / "MODEL_CARD.md").write_text(HEAD + "\n".join(sections), encoding="utf-8")


def section(name: str, quotes: Mapping[str, str]) -> str:
    """One part of the card."""
    template = (Path(__file__).parent / f"{name}_card.md").read_text(encoding="utf-8")
    return string.Template(template).substitute(quotes)


def main() -> None:
    """Write the card again, from the reports that are there."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder of the reference agent")
    write_card(parser.parse_args().out)


if __name__ == "__main__":
    main()
