"""The custom runtime that `serve_mlserver.py` names: tensors of the Open Inference Protocol in, tensors out."""

import onnxruntime as ort
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Agent(MLModel):
    async def load(self) -> bool:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = ort.InferenceSession(self.settings.parameters.uri, options, providers=["CPUExecutionProvider"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        tokens = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        scores = self.session.run(["logits"], {"input_ids": tokens})[0]
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("logits", scores)])
