"""The other servers: what to install, which program of `peers/` serves, and how its answers read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving import Service

PROGRAMS = Path(__file__).resolve().parent / "peers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another server."""

    package: str
    program: str
    path: str
    requirements: tuple[str, ...]
    window: float
    """Seconds that a batch waits at most to become fuller."""
    judged: bool = True
    read: Callable[[Any], Sequence[float]] = lambda document: document["outputs"][0]["data"]

    def service(self, name: str, python: Path, model: Path) -> Service:
        """Serve a model in the peer's environment."""
        argv = [str(python), str(PROGRAMS / self.program), str(model), "$port", f"{self.window:g}"]
        return Service(name=name, model=model, argv=argv, path=self.path, read=self.read)


PEERS = {
    # The window of LitServe's own performance tests; shorter ones, and 0, are no faster.
    "litserve": Peer(
        package="litserve",
        program="serve_litserve.py",
        path="/predict",
        requirements=("litserve", "uvloop"),
        window=0.01,
    ),
    # With uvloop 0.23 MLServer 1.7.1 ends at once: "There is no current event loop". A window of 0 turns its batches
    # off. From 0.01 to 10 ms throughput is the same within noise; at 5 ms batches of the small model are 7.9 of 8.
    "mlserver": Peer(
        package="mlserver",
        program="serve_mlserver.py",
        path="/v2/models/search/infer",
        requirements=("mlserver", "uvloop<0.22"),
        window=0.005,
    ),
    "bentoml": Peer(
        package="bentoml",
        program="serve_bentoml.py",
        path="/infer",
        requirements=("bentoml", "uvloop"),
        window=0.0,  # finds its own
        judged=False,
        read=lambda document: document[0]["data"],
    ),
    "ray": Peer(
        package="ray", program="serve_ray.py", path="/", requirements=("ray[serve]",), window=0.002, judged=False
    ),
}
