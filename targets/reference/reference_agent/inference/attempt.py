"""Compute one row on an execution provider, or end with the reason why not.

`python -m reference_agent.inference.attempt --execution-provider PROVIDER`: in a process of its own, because a driver
may take its process with it, and because the provider may need another build of ONNX Runtime.
"""

import sys

from reference_agent.agents import AGENTS
from reference_agent.command_line import Parser, add_model_arguments, chosen_model
from reference_agent.errors import StartError
from reference_agent.inference.resources import Resources
from reference_agent.inference.runtimes import lay_over, overlay


def main() -> None:
    """Load the model on one execution provider and compute one row."""
    parser = Parser(prog="reference_agent.inference.attempt", description=main.__doc__)
    add_model_arguments(parser)
    parser.add_argument("--execution-provider", required=True, help="tried without anything to fall back to")
    parser.add_argument("--runtimes", default="", help="folder of builds of ONNX Runtime, beside the installed one")
    arguments = parser.parse_args()
    provider, path = arguments.execution_provider, chosen_model(arguments)
    lay_over(overlay(arguments.runtimes, provider))
    # Imported late: which ONNX Runtime this loads has only just been settled.
    from reference_agent.inference.model import Model

    try:
        Model.load(AGENTS[arguments.agent], path, Resources(execution_provider=provider)).rehearse(1)
    except StartError as error:
        sys.exit(str(error).removeprefix(f"{path}: "))


if __name__ == "__main__":
    main()
