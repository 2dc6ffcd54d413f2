"""What this machine can do with a model, as one JSON object: `python -m reference_agent.inference.facts --help`."""

import json
import platform
import sys
from importlib.metadata import version

from reference_agent.agents import AGENTS, PRECISIONS
from reference_agent.command_line import Parser, add_model_arguments, chosen_model, refuse
from reference_agent.errors import StartError
from reference_agent.inference.needs import missing
from reference_agent.inference.resources import Resources


def main() -> None:
    """Print the facts, or end with one sentence when the model does not fit the agent."""
    parser = Parser(prog="reference_agent.inference.facts", description=main.__doc__)
    add_model_arguments(parser)
    parser.add_argument("--runtimes", default="", help="folder of builds of ONNX Runtime, beside the installed one")
    arguments = parser.parse_args()
    if lacking := missing():
        refuse(parser.prog, f"{sys.executable} lacks {', '.join(lacking)}; install them there, or take another Python")
    # Imported late: they fail where anything is lacking.
    from reference_agent.inference.model import Model
    from reference_agent.inference.providers import working_providers

    agent, model = AGENTS[arguments.agent], chosen_model(arguments)
    try:
        base = Model.load(agent, model, Resources()).description
    except StartError as error:
        refuse(parser.prog, str(error))
    tried = working_providers(agent, model, arguments.runtimes)
    # A quantized model is served as it is; only a full one can be built at another precision.
    precisions = list(PRECISIONS) if base.precision == "fp32" else [base.precision]
    facts = {
        "providers": [name for name, reason in tried.items() if not reason],
        "precisions": precisions,
        "runs": {name: dict.fromkeys(precisions, reason) for name, reason in tried.items()},
        "model_sha256": base.model_sha256,
        "versions": versions(),
    }
    print(json.dumps(facts))


def versions() -> str:
    """The versions of all that makes a variant of a model."""
    from reference_agent.inference.session import ORT_PACKAGE, ORT_VERSION

    parts = {"python": platform.python_version(), "onnx": version("onnx"), "numpy": version("numpy")}
    return ", ".join(f"{name} {number}" for name, number in (parts | {ORT_PACKAGE: ORT_VERSION}).items())


if __name__ == "__main__":
    main()
