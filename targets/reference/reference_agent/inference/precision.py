"""Number formats, and how the operators of a graph give them away."""

from collections.abc import Collection
from enum import StrEnum


class Precision(StrEnum):
    """The number format of the weights, and of the products where the provider has them."""

    FP32 = "fp32"
    FP16 = "fp16"
    """Stored in half; the CPU computes it in fp32."""
    BF16 = "bf16"
    """Stored in fp32 for a provider that computes in bf16 when told to."""
    INT8_DYNAMIC = "int8_dynamic"
    """Activations are scaled as they come: an answer can depend on the requests that it is computed with."""
    INT8_STATIC = "int8_static"
    """Activations are scaled as in the calibration rows."""
    INT4 = "int4"
    """Weights only."""


FLOATS = (Precision.FP32, Precision.FP16, Precision.BF16)

BF16_PROVIDERS = ("OpenVINOExecutionProvider",)
"""Providers that compute an fp32 model in bf16 when they are told to."""

_FOUR_BITS = "MatMulNBits"
_DYNAMIC = ("DynamicQuantize", "MatMulInteger", "ConvInteger")
_STATIC = ("QLinear", "QuantizeLinear", "DequantizeLinear", "QGemm", "QAttention", "QEmbedLayerNormalization")
"""How the names of operators begin that compute with scales found beforehand."""


def quantized(operators: Collection[str]) -> Precision | None:
    """The whole numbers that a graph of these operators computes with; None when it has none."""
    if _FOUR_BITS in operators:
        return Precision.INT4
    if any(name.startswith(_DYNAMIC) for name in operators):
        return Precision.INT8_DYNAMIC
    if any(name.startswith(_STATIC) for name in operators):
        return Precision.INT8_STATIC
    return None


def without_bf16(provider: str) -> str:
    """Why there is no bf16 on `provider`; empty where there is."""
    if provider in BF16_PROVIDERS:
        return ""
    return f"{provider} has no bf16 kernels for MatMul, Gemm and Conv; {', '.join(BF16_PROVIDERS)} has"
