"""Opening a page in a headless Chromium, and asking it what it became."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


def opened(page: Path, tmp_path: Path, *flags: str, patience: int | None = 3000) -> subprocess.CompletedProcess[str]:
    """Open a page; `patience` is in virtual milliseconds, which pass while nothing happens. None keeps to real time."""
    assert CHROMIUM is not None
    wait = () if patience is None else (f"--virtual-time-budget={patience}",)
    command = [CHROMIUM, *FLAGS, *wait, f"--user-data-dir={tmp_path / 'profile'}", *flags, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


def asked(page: Path, tmp_path: Path, script: str, *flags: str, patience: int | None = 3000) -> dict[str, Any]:
    """Open a page with a script of ours in it, whose last act is `tell(WHAT)`; the console must stay empty."""
    # The page refuses every script but its own, so the copy that is probed has to allow the probe.
    text = re.sub(r"script-src [^;]*;", "script-src 'unsafe-inline';", page.read_text(), count=1)
    tell = "const tell = (said) => { document.body.dataset.said = JSON.stringify(said); };"
    probe = page.with_name("probe.html")
    probe.write_text(text.replace("</body>\n</html>", f"<script>{tell}\n{script}</script></body></html>"))
    seen = opened(probe, tmp_path, "--dump-dom", "--enable-logging=stderr", *flags, patience=patience)
    assert "CONSOLE" not in seen.stderr, [line for line in seen.stderr.splitlines() if "CONSOLE" in line]
    said = re.search(r'data-said="([^"]*)"', seen.stdout)
    assert said is not None
    return dict(json.loads(html.unescape(said[1])))
