"""Locust's own HTTP client, geventhttpclient, for requests of which many run at once and little may be computed."""

import select

from gevent.monkey import get_original
from geventhttpclient.client import HTTPClient
from geventhttpclient.response import HTTPSocketPoolResponse

new_poll = get_original("select", "poll")  # gevent's own waits for nothing too, but at the price of a watcher


def is_idle(socket):
    """Return whether nothing came on a connection in the pool, not even its end.

    geventhttpclient asks select(), which takes no descriptor above 1023: connections above it would be used once.
    """
    poll = new_poll()
    poll.register(socket, select.POLLIN)
    return not poll.poll(0)


class Client(HTTPClient):
    """Locust's HTTP client with requests encoded once, and a word at the moment when one is about to be written.

    It sends nothing twice. A connection that the server closed while it was idle is noticed when it is taken from the
    pool; what remains is a close that crosses the request on its way, and that cannot be told from a crash.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._connection_pool._is_socket_alive = is_idle

    def encode(self, method, uri, body, headers):
        """Return the bytes of a request."""
        return self._build_request(method, uri, body=body or b"", headers=headers).encode("latin-1") + (body or b"")

    def open(self, connections):
        """Open connections and put them back for requests to use."""
        pool, sockets = self._connection_pool, []
        try:
            while len(sockets) < connections:
                sockets.append(pool.get_socket())
        finally:
            for socket in sockets:
                pool.return_socket(socket)

    def send(self, request):
        """Send the bytes of a request and return the head of the answer."""
        pool = self._connection_pool
        socket = pool.get_socket()
        try:
            socket.sendall(request)
        except BaseException:
            pool.release_socket(socket)
            raise
        return HTTPSocketPoolResponse(socket, pool)
