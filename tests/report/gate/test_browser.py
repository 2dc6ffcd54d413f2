"""The page of a gate in a real browser, where there is one."""

import re
from pathlib import Path

import pytest

from tests.report.browser import CHROMIUM, opened
from tests.report.gate.gates import GATES, hostile
from tuner.report.gate.write import write_gate

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH")

PROBE = """
<script>setTimeout(() => {
  const said = {};
  said.points = document.querySelectorAll(".effect circle.pair").length;
  said.inside = [...document.querySelectorAll(".effect svg")].every((svg) => {
    const box = svg.getBBox();
    return box.x >= 0 && box.x + box.width <= svg.viewBox.baseVal.width;
  });
  document.getElementById("theme").click();
  said.theme = document.documentElement.dataset.theme;
  said.copy = !document.querySelector("button.copy").hidden;
  said.wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  document.body.dataset.said = JSON.stringify(said);
}, 300)</script>
"""


@pytest.mark.parametrize(("name", "points"), [("kept", "10"), ("regression", "10"), ("crash", "0")])
def test_the_page_works_by_hand_on_a_phone(name: str, points: str, tmp_path: Path) -> None:
    page = write_gate(GATES[name](), tmp_path)
    # The page refuses every script but its own, so the copy that is probed has to allow the probe.
    text = re.sub(r"script-src [^;]*;", "script-src 'unsafe-inline';", page.read_text(), count=1)
    page.write_text(text.replace("</body>\n</html>", PROBE + "</body></html>"))
    seen = opened(page, tmp_path, "--dump-dom", "--enable-logging=stderr", "--window-size=500,900")
    assert "Uncaught" not in seen.stderr
    said = re.search(r'data-said="([^"]*)"', seen.stdout)
    assert said is not None
    facts = dict(re.findall(r"&quot;(\w+)&quot;:(?:&quot;)?(.*?)(?:&quot;)?(?=,&quot;|})", said[1]))
    assert facts == {"points": points, "inside": "true", "theme": "dark", "copy": "true", "wide": "false"}


def test_a_hostile_gate_runs_no_script_of_its_own_and_breaks_no_policy(tmp_path: Path) -> None:
    page = write_gate(hostile(), tmp_path)
    seen = opened(page, tmp_path, "--dump-dom", "--enable-logging=stderr")
    assert "Content Security Policy" not in seen.stderr
    assert "Uncaught" not in seen.stderr
    assert "alert(1)" not in re.findall(r"<script>(.*?)</script>", seen.stdout, flags=re.DOTALL)[0]
