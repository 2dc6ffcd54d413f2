"""What can be chosen for a model on this machine: each value alone, and which of them go together."""

import argparse
import hashlib
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from reference_agent.agents import AGENTS, BUNDLED
from reference_agent.agents.agent import Agent
from reference_agent.command_line import AUTO, chosen_model
from reference_agent.evaluation.material import material
from reference_agent.inference.model import Model
from reference_agent.inference.precision import Precision
from reference_agent.inference.provider import without_bf16_here
from reference_agent.inference.providers import working_providers
from reference_agent.inference.resources import Resources
from reference_agent.inference.session import ORT_PACKAGE, ORT_VERSION
from reference_agent.variants.bases import base_models, chosen_rows
from reference_agent.variants.offers import Offer, offers
from reference_agent.variants.quantizing import overflows
from reference_agent.variants.rows import inputs_of, read_rows
from reference_agent.variants.source import Source, read
from reference_agent.variants.stated import metadata, stated
from reference_agent.variants.variant import Compression


def facts_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """What is served and measured, and what can be chosen: each value alone, and which of them go together."""
    source = read(_path(arguments))
    agent = AGENTS[_made_for(source) if arguments.agent == AUTO else arguments.agent]
    model = Model.opened(agent, stated(source), source.path, Resources())
    measured = material(agent.name, model, "max_length" in metadata(source), arguments.data, arguments.cache)
    chosen = argparse.Namespace(agent=agent.name, model=arguments.model, calibration=measured.calibration)
    reasons = _providers(agent, stated(source, measured.longest), arguments.runtimes)
    return (
        {"agent": agent.name, "slo": agent.slo, "model_sha256": source.sha256, "int8": _usual_int8(source)}
        | asdict(measured)
        | _variants(chosen, reasons)
    )


def _path(arguments: argparse.Namespace) -> Path:
    """The model that was asked for; where nothing was, that of the agent search."""
    if arguments.agent != AUTO:
        return chosen_model(arguments)
    return Path(arguments.model) if arguments.model else chosen_model(argparse.Namespace(agent="search", model=""))


def _made_for(source: Source) -> str:
    """The bundled agent that a model says it belongs to, or else the one that serves any classifier."""
    said = metadata(source).get("agent")
    return said if said in BUNDLED else "custom"


def _providers(agent: Agent, content: bytes, runtimes: str) -> dict[str, str]:
    """For each provider the reason why it does not run a model, which lies in one file while that is tried."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.onnx"
        path.write_bytes(content)
        return working_providers(agent, path, runtimes)


def _variants(arguments: argparse.Namespace, reasons: Mapping[str, str]) -> dict[str, Any]:
    """What the providers that have no reason against it can do with the model."""
    paths = base_models(arguments)
    sources = {path: read(path) for path in set(paths.values())}
    bases = {compression: sources[path] for compression, path in paths.items()}
    rows = chosen_rows(arguments)
    found = list(_found(bases, rows, [provider for provider, reason in reasons.items() if not reason]))
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
        "made_of": _made_of(bases, rows),
    }


def _found(bases: Mapping[str, Source], rows: Path | None, providers: Sequence[str]) -> Iterator[tuple[str, Offer]]:
    """Every precision of every compression; a trained model is not compressed once more."""
    for compression, source in bases.items():
        model = source.model
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


def _usual_int8(source: Source) -> Precision:
    """The kind of int8 that is the faster one: convolutions have no fast kernels for scales found on the way."""
    convolutional = any(node.op_type == "Conv" for node in source.model.graph.node)
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


def _made_of(bases: Mapping[str, Source], rows: Path | None) -> str:
    """A hash of all files that variants are made of."""
    digest = hashlib.sha256("".join(source.sha256 for source in bases.values()).encode())
    digest.update(rows.read_bytes() if rows else b"")
    return digest.hexdigest()


def _versions() -> str:
    """The versions of all that makes a variant."""
    packages = {}
    for name in ("numpy", "onnx", "onnx_ir"):  # the last one is needed by some variants only
        with suppress(PackageNotFoundError):
            packages[name] = version(name)
    parts = {"python": platform.python_version()} | packages | {ORT_PACKAGE: ORT_VERSION}
    parts["int8 weights of bits"] = "7" if overflows() else "8"  # as the processor needs them
    return ", ".join(f"{name} {number}" for name, number in parts.items())


def _once(values: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(map(str, values)))
