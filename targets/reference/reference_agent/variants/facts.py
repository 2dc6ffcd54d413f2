"""What this machine can do with a model, as one JSON object: `python -m reference_agent.variants.facts --help`."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reference_agent.agents import AGENTS, BUNDLED
from reference_agent.agents.agent import Agent
from reference_agent.command_line import Parser, add_model_arguments, chosen_model, refuse
from reference_agent.errors import StartError
from reference_agent.evaluation.material import material
from reference_agent.inference.model import Model
from reference_agent.inference.precision import Precision
from reference_agent.inference.resources import Resources
from reference_agent.inference.session import listed_providers
from reference_agent.variants.bases import base_models, chosen_rows
from reference_agent.variants.offers import Offer, offers
from reference_agent.variants.rows import inputs_of, read_rows
from reference_agent.variants.source import Source, read
from reference_agent.variants.stated import metadata, stated
from reference_agent.variants.variant import Compression

AUTO = "auto"
"""Instead of an agent: the one that the model was made for."""


def main() -> None:
    """Print the facts, or end with one sentence when the model does not fit the agent, or the data not the model."""
    parser = Parser(prog="reference_agent.variants.facts", description=main.__doc__)
    add_model_arguments(parser, AUTO)
    parser.add_argument("--data", default="", help="an .npz file of rows and labels, for a model of your own")
    parser.add_argument("--cache", type=Path, default=Path(), help="folder for the requests that are made of --data")
    arguments = parser.parse_args()
    try:
        facts = facts_of(arguments)
    except (StartError, OSError) as error:
        refuse(parser.prog, str(error))
    print(json.dumps(facts))


def facts_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """What is served and measured, and what can be chosen: each value alone, and which of them go together."""
    if arguments.agent == AUTO and not arguments.model:
        arguments.agent = "search"
    path = chosen_model(arguments) if arguments.agent != AUTO else Path(arguments.model)
    source = read(path)
    name = _made_for(source) if arguments.agent == AUTO else arguments.agent
    model = Model.opened(AGENTS[name], stated(source), source.path, Resources())
    measured = material(name, model, "max_length" in metadata(source), arguments.data, arguments.cache)
    chosen = argparse.Namespace(agent=name, model=arguments.model, calibration=measured.calibration)
    return {"agent": name, "slo": AGENTS[name].slo} | asdict(measured) | _variants(chosen, source)


def _made_for(source: Source) -> str:
    """The bundled agent that a model says it belongs to, or else the one that serves any classifier."""
    said = metadata(source).get("agent")
    return said if said in BUNDLED else "custom"


def _variants(arguments: argparse.Namespace, source: Source) -> dict[str, Any]:
    """What this machine can do with the model."""
    reasons = {provider: _against(AGENTS[arguments.agent], source, provider) for provider in listed_providers()}
    found = list(_found(arguments, [provider for provider, reason in reasons.items() if not reason]))
    possible = [(compression, offer) for compression, offer in found if offer.providers]
    return {
        "providers": _once(provider for _, offer in possible for provider in offer.providers),
        "precisions": _once(offer.precision for _, offer in possible),
        "compressions": _once(compression for compression, _ in possible),
        "variants": [
            f"{offer.precision} {compression} {provider}"
            for compression, offer in possible
            for provider in offer.providers
        ],
        "impossible": _impossible(found, reasons),
        "int8": _usual_int8(source),
        "model_sha256": source.sha256,
    }


def _against(agent: Agent, source: Source, provider: str) -> str:
    """Why `provider` does not run a model here, or nothing: tried, because a listed one may fall back in silence."""
    try:
        Model.opened(agent, stated(source), source.path, Resources(execution_provider=provider))
    except StartError as error:
        return str(error)
    return ""


def _found(arguments: argparse.Namespace, providers: Sequence[str]) -> Iterator[tuple[str, Offer]]:
    """Every precision of every compression; a trained model is not compressed once more."""
    rows = chosen_rows(arguments)
    for compression, path in base_models(arguments).items():
        model = read(path).model
        calibrated = read_rows(rows, inputs_of(model)) if rows else ()
        wanted = compression if compression in [*Compression] else Compression.NONE
        for offer in offers(model, providers, calibrated):
            if offer.compression == wanted:
                yield compression, offer


def _usual_int8(source: Source) -> Precision:
    """The kind of int8 that is the faster one: convolutions have no fast kernels for scales found on the way."""
    convolutional = any(node.op_type == "Conv" for node in source.model.graph.node)
    return Precision.INT8_STATIC if convolutional else Precision.INT8_DYNAMIC


def _impossible(found: Sequence[tuple[str, Offer]], reasons: Mapping[str, str]) -> dict[str, str]:
    """Why what cannot be chosen cannot."""
    missing = {provider: reason for provider, reason in reasons.items() if reason}
    return missing | {
        f"{offer.precision} {compression}": offer.reason for compression, offer in found if not offer.providers
    }


def _once(values: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(map(str, values)))


if __name__ == "__main__":
    main()
