"""The service that `serve_bentoml.py` names.

Its batch dimension is the list of tensors of a request of the Open Inference Protocol: one tensor with one row each.
"""

import os
from typing import Any

import bentoml
import numpy as np
import onnxruntime as ort

WORKERS = 2
MAX_BATCH_SIZE = 8


@bentoml.service(workers=WORKERS, threads=1)
class Agent:
    def __init__(self) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        model = os.environ["BENCHMARK_MODEL"]
        self.session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    @bentoml.api(batchable=True, max_batch_size=MAX_BATCH_SIZE)
    def infer(self, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        tokens = np.array([tensor["data"] for tensor in inputs], dtype=np.int64)
        scores = self.session.run(["logits"], {"input_ids": tokens})[0]
        return [{"name": "logits", "datatype": "FP32", "shape": [1, len(row)], "data": row.tolist()} for row in scores]
