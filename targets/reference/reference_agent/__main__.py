"""Start the server: `python -m reference_agent --help`."""

import socket

from reference_agent.clock import clock
from reference_agent.command_line import refuse
from reference_agent.errors import AgentError, StartError
from reference_agent.settings import parse
from reference_agent.workers.crew import begin


def listen(host: str, port: int) -> socket.socket:
    """Bind the address that the server will listen on."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise StartError(f"cannot listen on {host} port {port} ({error.strerror}); choose another --port") from None
    return listener


def main() -> None:
    """Start the workers, then the front; end with one sentence when that cannot be done."""
    started = clock()
    settings = parse()
    try:
        listener = listen(settings.host, settings.port)
        crew = begin(settings)
        # Imported late: the HTTP stack loads while the workers load ONNX Runtime.
        from reference_agent.server import run

        run(settings, crew, listener, started)
    except StartError as error:
        refuse("reference_agent", str(error))
    except AgentError as error:
        raise SystemExit(f"reference_agent: {error}") from None


if __name__ == "__main__":
    main()
