"""A page in a headless Chromium under a hand: real mouse and key events, over the browser's debugging pipe."""

import fcntl
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.report.browser import CHROMIUM, FLAGS

_PATIENCE = 30.0
_ABOVE_STANDARD_STREAMS = 10


@dataclass(kw_only=True)
class Tab:
    """One page: what it is asked and told goes out by `to`, its answers and `events` come in by `back`."""

    to: int
    back: int
    session: str | None = None
    sent: int = 0
    rest: bytes = b""
    events: list[dict[str, Any]] = field(default_factory=list)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Give a command of the DevTools protocol, and return its result."""
        self.sent += 1
        message = {"id": self.sent, "method": method, "params": params}
        if self.session is not None:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while (found := self._next()).get("id") != self.sent:
            self.events.append(found)
        assert "error" not in found, found
        result: dict[str, Any] = found["result"]
        return result

    def await_event(self, method: str) -> None:
        """Wait until an event has come."""
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self._next())

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + _PATIENCE
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.back], [], [], max(until - time.monotonic(), 0.0))
            assert ready, "the browser did not answer"
            more = os.read(self.back, 1 << 20)
            assert more, "the browser ended"
            self.rest += more
        message, _, self.rest = self.rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def open(self, page: Path) -> None:
        """Open a page whose scripts have run; what was seen of an earlier one is forgotten."""
        self.events.clear()
        self.send("Page.navigate", url=page.as_uri())
        self.await_event("Page.loadEventFired")

    def ask(self, script: str) -> Any:
        """Return what a script's last expression is, once it is no promise any more."""
        found = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, script: str) -> Any:
        """Look again before every frame until an expression is true, and return it."""
        frame = "new Promise((seen) => requestAnimationFrame(seen))"
        return self.ask(f"(async () => {{ let found; while (!(found = ({script}))) await {frame}; return found; }})()")

    def click(self, place: str, *, count: int = 1) -> None:
        """Press and release the mouse in the middle of what an expression finds, which is brought into view first."""
        middle = (
            f"(() => {{ const found = {place}; found.scrollIntoView({{ block: 'center', behavior: 'instant' }}); "
            "const box = found.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        x, y = self.ask(middle)
        at = {"x": x, "y": y, "button": "left", "clickCount": count}
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self.send("Input.dispatchMouseEvent", type="mousePressed", **at)
        self.send("Input.dispatchMouseEvent", type="mouseReleased", **at)

    def write(self, text: str) -> None:
        """Write into what has the focus."""
        self.send("Input.insertText", text=text)

    def enter(self) -> None:
        """Press and release the Enter key."""
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        self.send("Input.dispatchKeyEvent", type="keyDown", text="\r", **key)
        self.send("Input.dispatchKeyEvent", type="keyUp", **key)

    def complaints(self) -> list[str]:
        """Return what the console was told, and what was asked of a network."""
        told = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        found = [json.dumps(event["params"]) for event in self.events if event.get("method") in told]
        asked = [event["params"]["request"]["url"] for event in self.events if event.get("method") == REQUEST]
        return found + [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]


REQUEST = "Network.requestWillBeSent"


@contextmanager
def tab(page: Path, tmp_path: Path, *flags: str) -> Iterator[Tab]:
    """Open a page whose scripts have run, watched from before its first byte on."""
    assert CHROMIUM is not None
    # The browser reads from its descriptor 3 and writes to 4, where nothing of ours may lie.
    (theirs_in, to), (back, theirs_out) = (map(_high, os.pipe()) for _ in range(2))
    command = [CHROMIUM, *FLAGS, *flags, "--remote-debugging-pipe", f"--user-data-dir={tmp_path / 'profile'}"]
    moved = ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", *command, "about:blank"]
    browser = subprocess.Popen(moved, pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL)
    os.close(theirs_in)
    os.close(theirs_out)
    found = Tab(to=to, back=back)
    try:
        target = found.send("Target.createTarget", url="about:blank")["targetId"]
        found.session = found.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            found.send(f"{domain}.enable")
        found.open(page)
        yield found
    finally:
        browser.kill()
        browser.wait()
        os.close(to)
        os.close(back)


def _high(descriptor: int) -> int:
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, _ABOVE_STANDARD_STREAMS)
    os.close(descriptor)
    return moved
