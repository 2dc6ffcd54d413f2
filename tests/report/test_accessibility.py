"""What axe-core finds in the pages: it is no part of this project and has to be installed."""

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.report import samples, studies
from tests.report.browser import CHROMIUM, asked
from tests.report.gate.gates import ALL
from tests.report.odd import ODD
from tuner.report.gate.write import write_gate
from tuner.report.write import write_report


@cache
def axe() -> Path | None:
    """Find axe-core: where AXE_CORE says, or among npm's global packages (`npm install --global axe-core`)."""
    if "AXE_CORE" in os.environ:
        return Path(os.environ["AXE_CORE"])
    npm = shutil.which("npm")
    if npm is None:
        return None
    root = subprocess.run([npm, "root", "--global"], capture_output=True, text=True, check=True).stdout.strip()
    found = Path(root) / "axe-core" / "axe.min.js"
    return found if found.exists() else None


pytestmark = pytest.mark.skipif(CHROMIUM is None or axe() is None, reason="no Chromium, or no axe-core for npm")

RUN = """
setTimeout(() => axe.run().then((found) => tell({
  passed: found.passes.length,
  bad: found.violations.map((one) => `${one.id} (${one.impact}): ${one.nodes.map((node) => node.target).join(", ")}`),
})), 1000);
"""

Write = Callable[[Path], Path]
"""Writes a page into a folder, and returns it."""


def of_study(name: str) -> Write:
    return lambda folder: write_report(ODD[name](), folder)


def of_gate(name: str) -> Write:
    return lambda folder: write_gate(ALL[name](), folder)


PAGES: dict[str, Write] = {
    "a usual study": lambda folder: write_report(samples.leave(studies.simulated(30), folder), folder),
    **{name: of_study(name) for name in ("no trial", "all failed", "hostile")},
    **{f"gate: {name}": of_gate(name) for name in ("kept", "regression", "crash", "ended", "hostile")},
}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_core_finds_no_violation(name: str, dark: bool, tmp_path: Path) -> None:
    page = PAGES[name](tmp_path)
    found = axe()
    assert found is not None
    switch = 'document.getElementById("theme").click();\n' if dark else ""
    said = asked(page, tmp_path, f"{found.read_text()}\n{switch}{RUN}", "--window-size=1200,9000")
    assert said["bad"] == []
    assert said["passed"] > 15
