"""The page in a real browser, where there is one."""

import json
import re
from pathlib import Path

import pytest

from tests.report import samples, studies
from tests.report.browser import CHROMIUM, asked, opened
from tests.report.hand import tab
from tests.report.odd import ODD, hostile, noisy
from tuner.report.commands import measure, serve, variables
from tuner.report.settings_file import settings_file
from tuner.report.verdict import verdict
from tuner.report.write import write_report
from tuner.study.study import Study

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH")

PROBE = """
setTimeout(() => {
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
  URL.createObjectURL = (blob) => { files.push(blob); return make(blob); };
  document.querySelectorAll("button[data-download]").forEach((button) => button.click());
  const copied = [];
  Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => copied.push(text) } });
  const buttons = [...document.querySelectorAll("button.copy")];
  buttons.forEach((button) => button.click());
  Promise.all(files.map((blob) => blob.text())).then((texts) => {
    said.files = files.map((blob, i) => [blob.type, texts[i]]);
    said.copied = copied;
    said.told = [...new Set(buttons.map((button) => button.textContent))].join(" ");
    tell(said);
  });
}, 300);
"""


def test_the_page_works_by_hand(tmp_path: Path) -> None:
    study = studies.small()
    page = write_report(study, tmp_path)
    said = asked(page, tmp_path, PROBE, "--window-size=500,900")
    (csv, sheet), (json_type, document) = said.pop("files")
    assert (csv, json_type) == ("text/csv;charset=utf-8", "application/json;charset=utf-8")
    assert sheet.splitlines() == (tmp_path / "trials.csv").read_text().splitlines()
    assert json.loads(document) == json.loads((tmp_path / "report.json").read_text())
    chosen = verdict(study).configuration
    assert chosen is not None
    assert said.pop("copied") == [
        " ".join(serve(study.settings, chosen)),
        " ".join(measure(study.settings, chosen)),
        settings_file(study.settings, chosen),
        variables(study.settings, chosen),
        study.command,
    ]
    assert said == {
        "plotted": True,
        "sorted": "descending #3 #1 #0 #2",
        "filtered": "#3, 1 of 4 trials",
        "picked": "14 60",
        "clicked": "trial-3 3",
        "scale": "log",
        "theme": "dark true",
        "wide": False,
        "told": "Copied",
    }


LOOK = """
setTimeout(() => {
  const plot = document.getElementById("plot"), tie = document.querySelector("td small[title]");
  const points = plot.data.filter((trace) => trace.customdata && !trace.yaxis);
  tell({
    rows: [...new Set(points.flatMap((trace) => trace.y))].sort((a, b) => a - b),
    tie: tie ? tie.closest("tr").id + " " + tie.textContent : "",
    wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  });
}, 300);
"""


@pytest.mark.parametrize(
    ("study", "heights", "tie"),
    [
        (studies.rates(noise=studies.NOISE), [50, 200], "trial-4 ≈ best"),
        (noisy(studies.small()), [380, 400, 420, 520, 700, 900], ""),
    ],
)
def test_the_page_of_either_loop_is_drawn(study: Study, heights: list[float], tie: str, tmp_path: Path) -> None:
    page = write_report(study, tmp_path)
    assert asked(page, tmp_path, LOOK, "--window-size=500,900") == {"rows": heights, "tie": tie, "wide": False}


DRAWN = """(async () => {
  for (const holder of document.querySelectorAll(".plot")) {
    holder.scrollIntoView({ behavior: "instant" });
    while (!holder.querySelector(".main-svg")) await new Promise((seen) => requestAnimationFrame(seen));
  }
  return document.documentElement.scrollWidth > document.documentElement.clientWidth ? "wide" : "narrow";
})()"""


def test_odd_studies_are_drawn_without_complaint_and_without_a_network(tmp_path: Path) -> None:
    made = {**ODD, "500 trials": lambda: studies.simulated(500)}
    pages = {name: write_report(study(), tmp_path / name) for name, study in made.items()}
    with tab(pages["no trial"], tmp_path, "--window-size=500,900") as page:
        for name, path in pages.items():
            page.open(path)
            assert page.ask(DRAWN) == "narrow", name
            assert page.complaints() == [], name


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


MARK = """[...document.querySelectorAll("#plot .point")].find((mark) => {
  const { x, y } = mark.__data__, isThat = (trace) => (trial, i) => trial === 1 && trace.x[i] === x && trace.y[i] === y;
  return document.getElementById("plot").data.some((trace) => trace.customdata?.some(isThat(trace)));
})"""
"""A point of trial 1 as it is drawn."""

ROWS = """[...document.getElementById("trial-table").tBodies[0].rows].filter((row) => !row.hidden)
  .map((row) => row.cells[0].textContent).join(" ")"""


def test_the_page_works_by_mouse_and_keys(tmp_path: Path) -> None:
    study = samples.leave(studies.small(), tmp_path)
    with tab(
        write_report(study, tmp_path), tmp_path, "--window-size=1200,900", "--force-prefers-reduced-motion"
    ) as page:
        page.until("document.querySelectorAll('#plot .point').length")
        page.click(MARK)
        assert page.until("document.querySelector('tr.selected')?.id") == "trial-1"
        assert page.ask("document.activeElement.dataset.trial") == "1"
        page.click("document.querySelector('#trial-table thead th:nth-child(2) button')")
        assert page.ask(ROWS) == "#0 #1 #2 #3"
        page.click("document.querySelector('#trial-table thead th:first-child button')")
        page.click("document.querySelector('#trial-table thead th:first-child button')")
        assert page.ask(ROWS) == "#3 #2 #1 #0"
        page.enter()
        assert page.ask(ROWS) == "#0 #1 #2 #3", "the heading has the focus, and a key sorts as the mouse does"
        page.click("document.getElementById('filter')")
        page.write("int8 front")
        assert page.ask(ROWS) == "#3"
        assert page.ask("document.getElementById('shown').textContent") == "1 of 4 trials"
        page.click(MARK)
        assert page.until("document.querySelector('tr.selected')?.id") == "trial-1"
        assert page.ask(ROWS) == "#1 #3", "a row that is chosen is shown"
        assert page.ask("document.getElementById('shown').textContent") == "2 of 4 trials"
        front = "document.querySelector('#chart .key[data-group=front]')"
        shown = "document.querySelectorAll('#plot .scatterlayer .trace').length"
        before = page.ask(shown)
        page.click(front)
        assert page.ask(f"{front}.getAttribute('aria-pressed')") == "false"
        assert page.until(f"{shown} < {before} && {shown}") < before
        page.click(front)
        assert page.until(f"{shown} === {before} && {shown}") == before
        page.ask("dispatchEvent(new Event('beforeprint'))")
        assert page.ask("[...document.querySelectorAll('details:not(.figures)')].map((one) => one.open)") == [True] * 2
        assert page.ask("document.getElementById('plot').layout.width") == 980
        page.ask("dispatchEvent(new Event('afterprint'))")
        assert page.ask("document.getElementById('plot').layout.autosize") is True
        assert page.complaints() == []


WALK = """
setTimeout(() => {
  const said = {}, holders = [...document.querySelectorAll("[data-drawing]")];
  said.drawn = holders.filter((one) => one.querySelector(".main-svg")).map((one) => one.dataset.drawing);
  const key = document.querySelector('#curves .key'), curves = document.querySelector('[data-drawing="curves"]');
  const shown = () => curves.data.filter((trace) => trace.visible).length;
  said.before = shown();
  key.click();
  said.hidden = [shown(), key.getAttribute("aria-pressed")];
  key.click();
  said.again = [shown(), key.getAttribute("aria-pressed")];
  const plot = document.getElementById("plot"), failed = document.querySelector('#chart .key[data-group="failed"]');
  failed.click();
  said.failed = plot.data.find((trace) => trace.legendgroup === "failed").visible;
  document.querySelector('[data-drawing="parallel"]').emit("plotly_click", { points: [{ customdata: 1 }] });
  said.selected = document.querySelector("tr.selected").id;
  const colour = () => curves.layout.paper_bgcolor, before = colour();
  document.getElementById("theme").click();
  said.theme = colour() !== before;
  said.requests = performance.getEntriesByType("resource").map((one) => one.name);
  tell(said);
}, 1500);
"""


def test_every_chart_is_drawn_and_its_legend_hides_and_shows(tmp_path: Path) -> None:
    study = samples.leave(studies.small(), tmp_path)
    said = asked(write_report(study, tmp_path), tmp_path, WALK, "--window-size=1200,12000")
    assert said == {
        "drawn": ["curves", "tail-1", "tail-0", "time-3", "time-1", "time-0", "gain", "slices", "parallel"],
        "before": 6,
        "hidden": [4, "false"],
        "again": [6, "true"],
        "failed": False,
        "selected": "trial-1",
        "theme": True,
        "requests": [],
    }


READY = """
tell({
  points: document.querySelectorAll("#plot .point").length,
  rows: document.getElementById("trial-table").tBodies[0].rows.length,
  seconds: performance.now() / 1000,
});
"""


def test_two_hundred_trials_can_be_used_within_two_seconds(tmp_path: Path) -> None:
    page = write_report(studies.simulated(200), tmp_path)
    # The first start of a browser fills its profile, which is no part of the page.
    asked(page, tmp_path, READY, patience=None)
    said = asked(page, tmp_path, READY, patience=None)
    assert said["rows"] == 200
    assert said["points"] > 350
    assert said["seconds"] < 2.0
