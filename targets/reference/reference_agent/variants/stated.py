"""A model whole and in one file that says its precision, as a server wants it."""

from onnx import helper

from reference_agent.variants.change import copied
from reference_agent.variants.precision import found
from reference_agent.variants.source import Source
from reference_agent.variants.tidied import tidied


def metadata(source: Source) -> dict[str, str]:
    """What a model file says of itself, beside its graph."""
    return {entry.key: entry.value for entry in source.model.metadata_props}


def stated(source: Source) -> bytes:
    """Return the bytes of the model; what it does not say of its precision, its operators and constants show."""
    model = copied(source.model)
    helper.set_model_props(model, {"precision": str(found(tidied(source.model)))} | metadata(source))
    content: bytes = model.SerializeToString()
    return content
