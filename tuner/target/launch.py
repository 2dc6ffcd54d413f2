"""From a target and a configuration to the exact argv, environment and files of one launch."""

import errno
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tuner.study.space import Configuration
from tuner.target.command import environment
from tuner.target.names import substitute
from tuner.target.spec import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Everything that one launch needs; `nonce` comes back in `X-Launch-Nonce` from a server that knows it.

    `token` is a secret between us and the server: who shows it may reconfigure what runs.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    url: str
    nonce: str
    token: str


def free_port() -> int:
    """Find a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def refusal(port: int) -> str:
    """Why nothing of ours can listen on a loopback port now; empty where it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            return "this user may not listen there, as on most ports below 1024"
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            return "something listens there already" if taken else f"nothing can listen there ({error.strerror})"
    return ""


def render(target: Target, configuration: Configuration, *, port: int, workdir: Path, artifact: Path | None) -> Launch:
    """Render a configuration and write the target's files into `workdir`."""
    names = {**target.names, **configuration, "port": port, "workdir": workdir, "artifact": artifact or workdir}
    workdir.mkdir(parents=True, exist_ok=True)
    for name, text in target.files.items():
        path = workdir / substitute(name, names)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(substitute(text, names), encoding="utf-8")
    nonce, token = secrets.token_hex(8), secrets.token_hex(16)
    env = {key: substitute(text, names) for key, text in target.env.items()}
    return Launch(
        argv=tuple(substitute(part, names) for part in target.command),
        env=environment({**env, "LAUNCH_NONCE": nonce, "LAUNCH_TOKEN": token}),
        url=f"http://127.0.0.1:{port}",
        nonce=nonce,
        token=token,
    )
