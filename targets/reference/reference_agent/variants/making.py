"""How a variant is made of a model: compressed first, then written at its precision."""

from onnx import ModelProto

from reference_agent.errors import StartError
from reference_agent.inference.precision import Precision, without_bf16
from reference_agent.inference.resources import CPU
from reference_agent.variants.change import Change, copied
from reference_agent.variants.half import halved
from reference_agent.variants.low_rank import low_rank
from reference_agent.variants.precision import found
from reference_agent.variants.pruning import pruned
from reference_agent.variants.quantizing import dynamic, four_bits
from reference_agent.variants.rows import Rows
from reference_agent.variants.static import static
from reference_agent.variants.tidied import tidied
from reference_agent.variants.variant import Compression, Variant


def made(model: ModelProto, variant: Variant, rows: Rows | None = None, provider: str = CPU) -> Change:
    """Return `variant` of `model`; StartError when it cannot be made or would be no other model.

    The precision that the model has is no change: the model as it is, without compression.
    """
    base = tidied(model)
    now = found(base)
    if variant.compression is Compression.NONE and variant.precision is now:
        return Change(model=copied(model), nodes=0)
    if now is not Precision.FP32:
        raise StartError(refused(now))
    if variant.precision is Precision.BF16 and (reason := without_bf16(provider)):
        raise StartError(reason)
    change = _compressed(Change(model=base, nodes=0), variant)
    return _written(change, variant.precision, rows or {})


def refused(now: Precision) -> str:
    """Why a model that is not fp32 becomes nothing else."""
    return f"is {now} already, and only fp32 can be compressed or change its precision; give --model the fp32 model"


def _compressed(before: Change, variant: Variant) -> Change:
    match variant.compression:
        case Compression.LOW_RANK:
            return low_rank(before.model, variant.energy).after(before)
        case Compression.PRUNED:
            return pruned(before.model, variant.keep).after(before)
        case Compression.NONE:
            return before


def _written(before: Change, precision: Precision, rows: Rows) -> Change:
    match precision:
        case Precision.FP16:
            return halved(before.model).after(before)
        case Precision.INT8_DYNAMIC:
            return dynamic(before.model).after(before)
        case Precision.INT8_STATIC:
            return static(before.model, rows).after(before)
        case Precision.INT4:
            return four_bits(before.model).after(before)
        case Precision.FP32 | Precision.BF16:
            return before
