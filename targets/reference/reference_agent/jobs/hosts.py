"""Where answers may be posted to: a caller must not make the server speak to whom the caller cannot reach."""

import contextlib
import ipaddress
import re
from collections.abc import Iterable

from reference_agent.errors import RequestError, StartError

LOOPBACK = ("127.0.0.0/8", "::1", "localhost")

# Narrower than a URL: nothing in it that two programs could read as two different hosts.
_URL = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?([/?][!-\[\]-~]*)?", re.IGNORECASE)
HIGHEST_PORT = 65535
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.IGNORECASE)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AllowedHosts:
    """Host names, addresses and networks. A name is trusted with whatever address it has."""

    def __init__(self, hosts: Iterable[str] = LOOPBACK) -> None:
        self._names: set[str] = set()
        self._networks: list[Network] = []
        for host in hosts:
            self._allow(host.strip().lower())

    def check(self, url: object) -> None:
        """Raise a RequestError unless answers may be posted to `url`."""
        found = _URL.fullmatch(url) if isinstance(url, str) else None
        if found is None or not 0 < int(found[2] or 80) <= HIGHEST_PORT:
            raise RequestError(400, f'"callback" must be a plain URL like "http://localhost:9000/answers", not {url!r}')
        host = found[1].strip("[]").lower()
        if not self._holds(host):
            known = ", ".join([*sorted(self._names), *map(str, self._networks)]) or "nowhere"
            raise RequestError(400, f"no answers are posted to {host}: this server may post them to {known}")

    def _allow(self, host: str) -> None:
        with contextlib.suppress(ValueError):
            self._networks.append(ipaddress.ip_network(host.strip("[]")))
            return
        if not _NAME.fullmatch(host) or host.replace(".", "").isdigit():
            raise StartError(f"{host!r} is no host that callbacks could go to; give names, addresses or networks")
        self._names.add(host)

    def _holds(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host in self._names
        return any(address in network for network in self._networks)
