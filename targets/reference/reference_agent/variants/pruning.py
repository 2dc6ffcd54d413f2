"""Structured pruning: hidden units that matter little are removed whole, so what is left is only smaller.

A unit's importance is the product of the L2 norms of the weights that make it and of those that read it, times the
factor of a batch normalisation between them: the bound of what it can add to the result, without looking at data.
After Li et al., 2017 (arXiv:1608.08710) and Liu et al., 2017 (arXiv:1708.06519). Nothing is trained again.
"""

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from reference_agent.errors import StartError
from reference_agent.variants.chains import Chain, Cut, chains
from reference_agent.variants.change import Change, copied
from reference_agent.variants.graph import Array, Graph, real, standard

MULTIPLE = 8
"""Units that are left come in multiples of this, the numbers that a processor multiplies at once."""

CHAINLESS = (
    "holds no chain of a MatMul, Gemm or Conv, elementwise nodes and another one with constant weights, "
    "so there are no hidden units to remove"
)


def pruned(model: ModelProto, keep: float) -> Change:
    """Remove all but the share `keep` of the hidden units of every chain in `model`."""
    changed = copied(model)
    graph = Graph(changed)
    found = [*chains(graph)]
    cut = [chain for chain in found if rounded(chain.units, keep) < chain.units]
    if not cut:
        raise StartError(_reason(found, keep))
    for chain in cut:
        kept = best(importance(graph, chain), rounded(chain.units, keep))
        for place in (chain.maker, *chain.between, *chain.readers):
            _take(graph, place, kept)
    _forget_shapes(changed, {name for chain in cut for name in chain.tensors})
    graph.drop_unread()
    return Change(
        model=changed,
        nodes=len({place.node.output[0] for chain in cut for place in (chain.maker, *chain.between, *chain.readers)}),
        left=tuple(f"{chain.maker.node.name} has only {chain.units} units" for chain in found if chain not in cut),
    )


def rounded(units: int, keep: float) -> int:
    """How many of `units` are kept: the multiple of 8 next to the share, at least one of these."""
    return min(units, max(1, round(units * keep / MULTIPLE)) * MULTIPLE)


def importance(graph: Graph, chain: Chain) -> NDArray[np.float64]:
    """One number for each unit of a chain."""
    made = _norms(graph, chain.maker)
    for place in chain.between:
        if standard(place.node, "BatchNormalization") and place.index == 1:
            made = made * _gain(graph, place)
    return made * np.sqrt(sum(_norms(graph, reader) ** 2 for reader in chain.readers))


def best(scores: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """The places of the `count` largest scores in their order; of equal ones, the first."""
    return np.sort(np.argsort(-scores, kind="stable")[:count])


def _values(graph: Graph, place: Cut) -> Array:
    found = graph.array(place.name)
    assert found is not None
    return found


def _norms(graph: Graph, place: Cut) -> NDArray[np.float64]:
    values = np.moveaxis(_values(graph, place), place.axis, 0).astype(np.float64)
    norms: NDArray[np.float64] = np.linalg.norm(values.reshape(len(values), -1), axis=1)
    return norms


def _gain(graph: Graph, place: Cut) -> NDArray[np.float64]:
    """What a batch normalisation multiplies each unit by."""
    node = place.node
    scale, variance = (_values(graph, Cut(node, index, -1)).astype(np.float64) for index in (1, 4))
    return np.abs(scale) / np.sqrt(variance + real(node, "epsilon", 1e-5))


def _take(graph: Graph, place: Cut, kept: NDArray[np.intp]) -> None:
    """Give a node a constant that has only the kept units."""
    name = graph.add(f"{place.name}_pruned", np.take(_values(graph, place), kept, axis=place.axis))
    place.node.input[place.index] = name


def _forget_shapes(model: ModelProto, names: set[str]) -> None:
    kept = [value for value in model.graph.value_info if value.name not in names]
    del model.graph.value_info[:]
    model.graph.value_info.extend(kept)


def _reason(found: list[Chain], keep: float) -> str:
    if not found:
        return CHAINLESS
    most = max(chain.units for chain in found)
    return f"its chains of at most {most} hidden units lose no 8 of them at {keep:g}; keep less of them"
