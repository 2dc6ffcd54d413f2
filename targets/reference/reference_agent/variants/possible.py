"""What can be chosen for a model on this machine: each value alone, and which of them go together."""

import argparse
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from reference_agent.agents import AGENTS
from reference_agent.command_line import chosen_model
from reference_agent.inference.model import Model
from reference_agent.inference.precision import Precision
from reference_agent.inference.provider import without_bf16_here
from reference_agent.inference.providers import working_providers
from reference_agent.inference.resources import Resources
from reference_agent.inference.session import ORT_PACKAGE, ORT_VERSION
from reference_agent.variants.bases import base_models, chosen_rows
from reference_agent.variants.offers import Offer, offers
from reference_agent.variants.rows import inputs_of, read_rows
from reference_agent.variants.source import read
from reference_agent.variants.variant import Compression


def facts_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """What can be chosen: each value alone, and which of them go together."""
    agent, model = AGENTS[arguments.agent], chosen_model(arguments)
    base = Model.load(agent, model, Resources()).description
    reasons = working_providers(agent, model, arguments.runtimes)
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
        "runs": _runs(found, reasons),
        "versions": _versions(),
        "int8": _usual_int8(model),
        "model_sha256": base.model_sha256,
        "slo": agent.slo,
    }


def _found(arguments: argparse.Namespace, providers: Sequence[str]) -> Iterator[tuple[str, Offer]]:
    """Every precision of every compression; a trained model is not compressed once more."""
    rows = chosen_rows(arguments)
    for compression, path in base_models(arguments).items():
        model = read(path).model
        calibrated = read_rows(rows, inputs_of(model)) if rows else ()
        wanted = compression if compression in [*Compression] else Compression.NONE
        for offer in offers(model, providers, calibrated):
            if offer.compression == wanted:
                yield compression, _here(offer)


def _here(offer: Offer) -> Offer:
    """Leave out the providers that have the precision, but not on this machine."""
    if offer.precision is not Precision.BF16 or offer.reason:
        return offer
    against = {provider: without_bf16_here(provider) for provider in offer.providers}
    usable = tuple(provider for provider, reason in against.items() if not reason)
    return replace(offer, providers=usable, reason="" if usable else "; ".join(against.values()))


def _usual_int8(path: Path) -> Precision:
    """The kind of int8 that is the faster one: convolutions have no fast kernels for scales found on the way."""
    convolutional = any(node.op_type == "Conv" for node in read(path).model.graph.node)
    return Precision.INT8_STATIC if convolutional else Precision.INT8_DYNAMIC


def _runs(found: Sequence[tuple[str, Offer]], reasons: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Of each provider why it does not run the model at a precision, without compression; empty where it does."""
    plain = {str(offer.precision): offer for compression, offer in found if compression == Compression.NONE}
    return {
        provider: {precision: reason or _lacks(provider, offer) for precision, offer in plain.items()}
        for provider, reason in reasons.items()
    }


def _lacks(provider: str, offer: Offer) -> str:
    return offer.reason or ("" if provider in offer.providers else without_bf16_here(provider))


def _versions() -> str:
    """The versions of all that makes a variant."""
    packages = {}
    for name in ("numpy", "onnx", "onnx_ir"):  # the last one is needed by some variants only
        with suppress(PackageNotFoundError):
            packages[name] = version(name)
    parts = {"python": platform.python_version()} | packages | {ORT_PACKAGE: ORT_VERSION}
    return ", ".join(f"{name} {number}" for name, number in parts.items())


def _once(values: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(map(str, values)))
