"""What this machine can do with a model, as one JSON object: `python -m reference_agent.inference.facts --help`."""

import json
from pathlib import Path

from reference_agent.agents import AGENTS, PRECISIONS, Agent
from reference_agent.command_line import Parser, add_model_arguments, chosen_model, refuse
from reference_agent.errors import StartError
from reference_agent.inference.model import Model
from reference_agent.inference.resources import CPU, Resources
from reference_agent.inference.session import listed_providers


def runs(agent: Agent, model: Path, provider: str) -> bool:
    """Whether `provider` really runs `model` here: tried, because a listed one may fall back in silence."""
    try:
        Model.load(agent, model, Resources(execution_provider=provider))
    except StartError:
        return False
    return True


def main() -> None:
    """Print the facts, or end with one sentence when the model does not fit the agent."""
    parser = Parser(prog="reference_agent.inference.facts", description=main.__doc__)
    add_model_arguments(parser)
    arguments = parser.parse_args()
    agent, model = AGENTS[arguments.agent], chosen_model(arguments)
    try:
        base = Model.load(agent, model, Resources()).description
    except StartError as error:
        refuse(parser.prog, str(error))
    facts = {
        "providers": [name for name in listed_providers() if name == CPU or runs(agent, model, name)],
        # A quantized model is served as it is; only a full one can be built at another precision.
        "precisions": list(PRECISIONS) if base.precision == "fp32" else [base.precision],
        "model_sha256": base.model_sha256,
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
