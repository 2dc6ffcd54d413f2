"""A model behind Ray Serve: `python serve_ray.py MODEL PORT WINDOW`, in Ray's own environment.

Two replicas with batches of at most 8, behind the proxy that it comes with. A replica may hold as many requests as the
load has, so that batches can fill. Logging of requests is off.
"""

import sys
import time

import numpy as np
import onnxruntime as ort
import ray
from ray import serve
from starlette.requests import Request

REPLICAS = 2
MAX_BATCH_SIZE = 8
ONGOING = 32
WINDOW = float(sys.argv[3])


@serve.deployment(
    num_replicas=REPLICAS,
    max_ongoing_requests=ONGOING,
    ray_actor_options={"num_cpus": 0.5},
    logging_config={"enable_access_log": False},
)
class Agent:
    def __init__(self, model: str) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    @serve.batch(max_batch_size=MAX_BATCH_SIZE, batch_wait_timeout_s=WINDOW)
    async def compute(self, rows: list[list[int]]) -> list[list[float]]:
        scores = self.session.run(["logits"], {"input_ids": np.array(rows, dtype=np.int64)})[0]
        return scores.tolist()

    async def __call__(self, request: Request) -> dict:
        document = await request.json()
        scores = await self.compute(document["inputs"][0]["data"])
        output = {"name": "logits", "datatype": "FP32", "shape": [1, len(scores)], "data": scores}
        return {"model_name": "search", "outputs": [output]}


def main() -> None:
    model, port, _ = sys.argv[1:]
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(port)}, logging_config={"enable_access_log": False})
    serve.run(Agent.bind(model), route_prefix="/")
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
