"""A model behind LitServe: `python serve_litserve.py MODEL PORT WINDOW`, in LitServe's own environment.

Set as its documentation advises: on a CPU as many workers as cores, as many API servers as workers (its default),
`fast_queue` for more than 100 requests/s (0.2.19 takes it without a word and without effect, issue 751, and gives no
answer when it is forced), the log level for production. Batches are stacked by LitServe itself, as it does for arrays.
"""

import sys
from typing import Any

import litserve
import numpy as np
import onnxruntime as ort

WORKERS = 2
MAX_BATCH_SIZE = 8


class Agent(litserve.LitAPI):
    """Tensors of the Open Inference Protocol in, tensors out."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = ort.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])

    def decode_request(self, request: dict[str, Any]) -> np.ndarray:
        tensor = request["inputs"][0]
        return np.array(tensor["data"], dtype=np.int64).reshape(tensor["shape"])[0]

    def predict(self, batch: np.ndarray) -> np.ndarray:
        return self.session.run(["logits"], {"input_ids": batch})[0]

    def encode_response(self, scores: np.ndarray) -> dict[str, Any]:
        output = {"name": "logits", "datatype": "FP32", "shape": [1, len(scores)], "data": scores.tolist()}
        return {"model_name": "search", "outputs": [output]}


MODEL = sys.argv[1]  # also read in the workers, which are started afresh with the same arguments

if __name__ == "__main__":
    agent = Agent(max_batch_size=MAX_BATCH_SIZE, batch_timeout=float(sys.argv[3]))
    server = litserve.LitServer(agent, accelerator="cpu", workers_per_device=WORKERS, fast_queue=True)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", generate_client_file=False)
