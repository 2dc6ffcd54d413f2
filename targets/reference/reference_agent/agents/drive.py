"""Drive: one picture of a camera to where to steer and what to do about a hazard."""

import binascii
import zlib
from array import array
from base64 import b64decode
from typing import Any

from reference_agent.agents.agent import Example, Scores, likeliest, object_with
from reference_agent.agents.signature import Signature, Tensor
from reference_agent.agents.trained import Trained
from reference_agent.errors import RequestError

SIDE = 96


class Drive(Trained):
    """Pictures of bytes: rows from the top, pixels from the left, red, green and blue."""

    name = "drive"
    input = Tensor(name="image", datatype="UINT8", shape=(SIDE, SIDE, 3))
    output = Tensor(name="logits", datatype="FP32", shape=(None,))
    slo = "p99=50ms"

    def example(self, _signature: Signature) -> Example:
        """Return a picture and what to do."""
        return (
            {"image": "base64 of the picture's bytes, compressed by zlib"},
            {"decision": "straight_clear", "confidence": 0.97},
        )

    def read(self, document: Any, signature: Signature) -> bytes:
        """Return the bytes of the document's picture."""
        (text,) = object_with(document, "image", example='{"image": "base64 of zlib of bytes"}')
        if not isinstance(text, str):
            raise RequestError(400, f'"image" must be a string, not {type(text).__name__}')
        wanted = signature.longest
        unpacking = zlib.decompressobj()
        try:
            # One byte more than a picture has is enough to know that it is none.
            picture = unpacking.decompress(b64decode(text, validate=True), wanted + 1)
        except (binascii.Error, zlib.error, ValueError) as error:
            raise RequestError(400, f'"image" is not base64 of zlib: {error}') from None
        if len(picture) != wanted or not unpacking.eof:
            sizes = " x ".join(map(str, signature.input.shape))
            raise RequestError(400, f'"image" must unpack to {wanted} bytes, {sizes}')
        return picture

    def check(self, _row: "array[Any]", _signature: Signature) -> None:
        """Every byte is a shade."""

    def decide(self, scores: Scores, _document: Any, signature: Signature) -> dict[str, Any]:
        """Name the likeliest action."""
        return likeliest(scores, signature.labels)

    def sample(self, signature: Signature) -> bytes:
        """Return a black picture."""
        return bytes(signature.longest)
