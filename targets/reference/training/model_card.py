"""Write MODEL_CARD.md: one section for every agent that is trained, in the numbers of its reports.

python model_card.py --out ..
"""

import argparse
import string
from pathlib import Path

import drive_card
import recommend_card
import search_card

HEAD = """<!-- Written by training/model_card.py from training/*_card.md; the numbers are those of models/*.json. -->

"""
QUOTES = {"search": search_card.quotes, "drive": drive_card.quotes, "recommend": recommend_card.quotes}


def write_card(home: Path) -> None:
    """Fill in the template of every agent that has a report, and put them one after another."""
    sections = []
    for agent, quotes in QUOTES.items():
        if (home / "models" / f"{agent}.json").exists():
            template = string.Template((Path(__file__).parent / f"{agent}_card.md").read_text(encoding="utf-8"))
            sections.append(template.substitute(quotes(home / "models")))
    (home / "MODEL_CARD.md").write_text(HEAD + "\n".join(sections), encoding="utf-8")


def main() -> None:
    """Write the card again, from the reports that are there."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder of the reference agent")
    write_card(parser.parse_args().out)


if __name__ == "__main__":
    main()
