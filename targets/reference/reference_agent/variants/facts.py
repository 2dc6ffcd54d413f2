"""What this machine can do with a model, as one JSON object: `python -m reference_agent.variants.facts --help`."""

import json
import sys
from pathlib import Path

from reference_agent.command_line import AUTO, Parser, add_model_arguments, refuse
from reference_agent.errors import StartError
from reference_agent.inference.needs import missing


def main() -> None:
    """Print the facts, or end with one sentence when the model does not fit the agent, or the data not the model."""
    parser = Parser(prog="reference_agent.variants.facts", description=main.__doc__)
    add_model_arguments(parser, AUTO)
    parser.add_argument("--data", default="", help="an .npz file of rows and labels, for a model of your own")
    parser.add_argument("--cache", type=Path, default=Path(), help="folder for the requests that are made of --data")
    parser.add_argument("--runtimes", default="", help="folder of builds of ONNX Runtime, beside the installed one")
    arguments = parser.parse_args()
    if lacking := missing():
        refuse(parser.prog, f"{sys.executable} lacks {', '.join(lacking)}; install them there, or take another Python")
    # Imported late: it fails where anything is lacking.
    from reference_agent.variants.possible import facts_of

    try:
        facts = facts_of(arguments)
    except (StartError, OSError) as error:
        refuse(parser.prog, str(error))
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
