"""Which variants of a model can be made and run on a machine, and why the others cannot; nothing is built to know."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from onnx import ModelProto

from reference_agent.inference.precision import Precision, without_bf16
from reference_agent.inference.resources import CPU
from reference_agent.variants.chains import chains
from reference_agent.variants.graph import Graph
from reference_agent.variants.half import unfit
from reference_agent.variants.low_rank import UNSPLIT, WIDTH, matrix, saves
from reference_agent.variants.making import refused
from reference_agent.variants.precision import found
from reference_agent.variants.pruning import CHAINLESS, MULTIPLE
from reference_agent.variants.quantizing import int4_lacks, pointless
from reference_agent.variants.rows import inputs_of
from reference_agent.variants.static import NOTHING, quantizable, uncalibrated
from reference_agent.variants.tidied import tidied
from reference_agent.variants.variant import Compression

NOTES = {
    Precision.FP16: "half the size; the CPU computes it in fp32, no faster",
    Precision.INT8_DYNAMIC: "an answer can depend on the requests that it is computed with",
    Precision.INT4: "the smallest; no faster while the weights fit in the cache",
}
"""What to know before trials are spent on a precision, as measured on a CPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One precision with one compression."""

    precision: Precision
    compression: Compression
    providers: tuple[str, ...]
    """Those of the machine that it is for."""
    reason: str
    """Why it cannot be made; empty when it can."""
    note: str
    """What to know of it; mostly empty."""


def offers(model: ModelProto, providers: Sequence[str] = (CPU,), calibrated: Collection[str] = ()) -> tuple[Offer, ...]:
    """Every precision with every compression, for a machine with `providers` and rows for the inputs `calibrated`.

    Whether a provider really runs a model only a session can tell, and how much energy or how many units may go before
    nothing is left out only a build: with a parameter near 1 it can still refuse what is offered here.
    """
    base = tidied(model)
    now = found(base)
    narrow = {precision: _against(base, precision, calibrated) for precision in Precision}
    thin = {compression: _incompressible(base, compression) for compression in Compression}
    return tuple(_offers(now, narrow, thin, providers))


def _offers(
    now: Precision, narrow: dict[Precision, str], thin: dict[Compression, str], providers: Sequence[str]
) -> Iterator[Offer]:
    for precision, compression in product(Precision, Compression):
        usable, reason = tuple(providers), narrow[precision] or thin[compression]
        if now is not Precision.FP32:
            reason = "" if (precision, compression) == (now, Compression.NONE) else refused(now)
        elif precision is Precision.BF16:
            usable = tuple(provider for provider in providers if not without_bf16(provider))
            reason = reason or ("" if usable else "; ".join(filter(None, map(without_bf16, providers))))
        yield Offer(
            precision=precision,
            compression=compression,
            providers=() if reason else usable,
            reason=reason,
            note=NOTES.get(precision, ""),
        )


def _against(model: ModelProto, precision: Precision, calibrated: Collection[str]) -> str:
    """Why the model cannot have a precision; empty when it can."""
    checks: dict[Precision, Callable[[], str | None]] = {
        Precision.FP16: lambda: unfit(model),
        Precision.INT8_DYNAMIC: lambda: pointless(model),
        Precision.INT8_STATIC: lambda: (
            (None if quantizable(model) else NOTHING) or uncalibrated(inputs_of(model), calibrated)
        ),
        Precision.INT4: lambda: pointless(model) or int4_lacks(),
    }
    return (checks[precision]() if precision in checks else None) or ""


def _incompressible(model: ModelProto, compression: Compression) -> str:
    """Why the model cannot be compressed in a way; empty when it can."""
    graph = Graph(model)
    if compression is Compression.LOW_RANK:
        weights = (matrix(graph, node) for node in model.graph.node)
        return "" if any(weight is not None and saves(weight, WIDTH) for weight in weights) else UNSPLIT
    if compression is Compression.PRUNED:
        most = max((chain.units for chain in chains(graph)), default=0)
        few = CHAINLESS if not most else f"none of its chains has more than {MULTIPLE} hidden units, and these stay"
        return few if most <= MULTIPLE else ""
    return ""
