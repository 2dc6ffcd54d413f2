"""The page in a real browser, where there is one."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.report import studies
from tests.report.test_write import hostile, noisy
from tuner.report.write import write_report
from tuner.study.study import Study

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--virtual-time-budget=3000"),
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH")

PROBE = """
<script>setTimeout(() => {
  const said = {}, table = document.getElementById("trial-table");
  const numbers = () => [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[0].textContent);
  said.plotted = document.querySelectorAll("#plot .scatterlayer .trace").length > 3;
  const head = [...table.tHead.rows[0].cells].find((cell) => cell.textContent.startsWith("throughput"));
  head.querySelector("button").click(); head.querySelector("button").click();
  said.sorted = [head.getAttribute("aria-sort"), ...numbers()].join(" ");
  const filter = document.getElementById("filter");
  filter.value = "int8 front"; filter.dispatchEvent(new Event("input"));
  said.filtered = numbers().join(" ") + ", " + document.getElementById("shown").textContent;
  filter.value = ""; filter.dispatchEvent(new Event("input"));
  document.querySelector('button.pick[data-trial="1"]').click();
  const plot = document.getElementById("plot");
  said.picked = plot.data.at(-1).x.join(" ");
  plot.emit("plotly_click", { points: [{ customdata: 3 }] });
  said.clicked = document.querySelector("tr.selected").id + " " + document.activeElement.dataset.trial;
  document.querySelector('input[value="log"]').click();
  said.scale = plot.layout.xaxis.type;
  const before = plot.layout.paper_bgcolor;
  document.getElementById("theme").click();
  said.theme = document.documentElement.dataset.theme + " " + (plot.layout.paper_bgcolor !== before);
  said.wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  const files = [], make = URL.createObjectURL;
  URL.createObjectURL = (blob) => { files.push(blob.type + " " + (blob.size > 500)); return make(blob); };
  document.querySelectorAll("button[data-download]").forEach((button) => button.click());
  said.files = files.join(" ");
  document.body.dataset.said = JSON.stringify(said);
}, 300)</script>
"""


def opened(page: Path, tmp_path: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    assert CHROMIUM is not None
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *flags, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


def test_the_page_works_by_hand(tmp_path: Path) -> None:
    page = write_report(studies.small(), tmp_path)
    text = page.read_text()
    # The page refuses every script but its own, so the copy that is probed has to allow the probe.
    text = re.sub(r"script-src [^;]*;", "script-src 'unsafe-inline';", text, count=1)
    page.write_text(text.replace("</body>\n</html>", PROBE + "</body></html>"))
    said = re.search(r'data-said="([^"]*)"', opened(page, tmp_path, "--dump-dom", "--window-size=500,900").stdout)
    assert said is not None
    facts = dict(re.findall(r"&quot;(\w+)&quot;:(?:&quot;)?(.*?)(?:&quot;)?(?=,&quot;|})", said[1]))
    assert facts == {
        "plotted": "true",
        "sorted": "descending #3 #1 #0 #2",
        "filtered": "#3, 1 of 4 trials",
        "picked": "14 60",
        "clicked": "trial-3 3",
        "scale": "log",
        "theme": "dark true",
        "wide": "false",
        "files": "text/csv;charset=utf-8 true application/json;charset=utf-8 true",
    }


LOOK = """
<script>setTimeout(() => {
  const plot = document.getElementById("plot"), tie = document.querySelector("td small[title]");
  const points = plot.data.filter((trace) => trace.customdata && !trace.yaxis);
  document.body.dataset.rows = [...new Set(points.flatMap((trace) => trace.y))];
  document.body.dataset.tie = tie ? tie.closest("tr").id + " " + tie.textContent : "";
  document.body.dataset.wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
}, 300)</script>
"""


@pytest.mark.parametrize(
    ("study", "heights", "tie"),
    [
        (studies.rates(noise=studies.NOISE), "50,200", "trial-4 ≈ best"),
        (noisy(studies.small()), "400,420,380,700,520,900", ""),
    ],
)
def test_the_page_of_either_loop_is_drawn(study: Study, heights: str, tie: str, tmp_path: Path) -> None:
    page = write_report(study, tmp_path)
    text = re.sub(r"script-src [^;]*;", "script-src 'unsafe-inline';", page.read_text(), count=1)
    page.write_text(text.replace("</body>\n</html>", LOOK + "</body></html>"))
    seen = opened(page, tmp_path, "--dump-dom", "--enable-logging=stderr", "--window-size=500,900")
    assert "Uncaught" not in seen.stderr
    found = dict(re.findall(r'data-(rows|tie|wide)="([^"]*)"', seen.stdout))
    assert set(found.pop("rows").split(",")) == set(heights.split(","))
    assert found == {"tie": tie, "wide": "false"}


def test_a_hostile_study_runs_no_script_of_its_own_and_breaks_no_policy(tmp_path: Path) -> None:
    page = write_report(hostile(), tmp_path)
    seen = opened(page, tmp_path, "--dump-dom", "--enable-logging=stderr")
    assert "owned</title>" not in seen.stdout
    assert "Content Security Policy" not in seen.stderr
    assert "Uncaught" not in seen.stderr
    assert 'class="main-svg"' in seen.stdout
    assert "onerror=alert" not in re.sub(r"<script.*?</script>", "", seen.stdout, flags=re.DOTALL).replace(
        "&lt;img src=x onerror=alert(1)&gt;", ""
    )
