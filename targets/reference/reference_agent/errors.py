"""Everything that the reference agent raises on purpose.

AgentError
├── StartError     the server cannot run as asked; it ends with exit code 2
│   └── DiedError  a worker ended while it loaded; another one may do better
└── RequestError   one request cannot be answered; carries the HTTP status

A message is one sentence: what is wrong, where, what to do next.
"""


class AgentError(Exception):
    """The root of the tree."""


class StartError(AgentError):
    """The server cannot run as asked."""


class DiedError(StartError):
    """A worker ended while it loaded, without a word."""


class RequestError(AgentError):
    """One request cannot be answered."""

    def __init__(self, status: int, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        """Why a sound request was turned away, as a metric's label; None when the request itself is wrong."""

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may be answered later."""
        return self.status in (429, 503)
