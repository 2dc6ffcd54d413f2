"""A model whole and in one file that says its precision, as a server wants it."""

from onnx import helper

from reference_agent.errors import StartError
from reference_agent.variants.change import copied
from reference_agent.variants.precision import found
from reference_agent.variants.source import Source
from reference_agent.variants.tidied import tidied


def metadata(source: Source) -> dict[str, str]:
    """What a model file says of itself, beside its graph."""
    return {entry.key: entry.value for entry in source.model.metadata_props}


def stated(source: Source, longest: int = 0) -> bytes:
    """Return the bytes of the model; what it does not say of its precision, its operators and constants show.

    Its rows have at most `longest` elements, unless it says so itself.
    """
    model = copied(source.model)
    try:
        precision = found(tidied(source.model))
    except StartError as error:
        raise StartError(f"{source.path}: {error}") from None
    known = {"precision": str(precision)} | ({"max_length": str(longest)} if longest else {})
    helper.set_model_props(model, known | metadata(source))
    content: bytes = model.SerializeToString()
    return content
