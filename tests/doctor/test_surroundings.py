"""What the machine allows, read from made-up machines."""

import resource
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import MACHINE
from tuner.doctor import surroundings
from tuner.doctor.diagnosis import Check
from tuner.machine import Placement
from tuner.study.workload import Workload, closed, opened


@pytest.mark.parametrize(
    ("check", "ok", "found", "advice"),
    [
        (surroundings.cores(Placement(server=(0, 1), load=(0, 1)), 2), False, "share 2 cores", "take 4 or more, or"),
        (surroundings.cores(Placement(server=(2, 5), load=(2, 5)), 8), False, "only 2, 5 of the", "taskset"),
        (surroundings.cores(Placement(server=(0, 1, 2), load=(3,)), 4), True, "3 cores for the server, 1 for", ""),
        (surroundings.governor("powersave"), False, "powersave", "cpupower"),
        (surroundings.governor("performance"), True, "performance", ""),
        (surroundings.governor("not visible"), True, "not visible", ""),
        (surroundings.quota(None, 2), True, "none", ""),
        (surroundings.quota(4.0, 2), True, "4 cores", ""),
        (surroundings.quota(1.5, 2), False, "1.5 of 2 cores", "--cpuset-cpus"),
        (surroundings.open_files(1024, 32), True, "1024 allowed, 320 needed", ""),
        (surroundings.open_files(resource.RLIM_INFINITY, 1000), True, "inf allowed", ""),
        (surroundings.open_files(1024, 1000), False, "2256 needed for 1000 connections", "ulimit -n 2256"),
        (surroundings.port(), True, "free ports", ""),
        (surroundings.versions(MACHINE), True, "Python 3.12.1, agent-tuner 0.1.0", ""),
        (
            surroundings.versions(replace(MACHINE, versions={"locust": "not installed"})),
            False,
            "locust not installed",
            "pip install locust",
        ),
    ],
)
def test_each_line_says_what_was_found_and_what_to_do(check: Check, ok: bool, found: str, advice: str) -> None:
    assert check.ok is ok
    assert found in check.found
    assert advice in check.advice
    assert bool(check.advice) != ok


def test_connections_of_either_loop() -> None:
    assert surroundings.connections(Workload(loads=closed((4, 32)))) == 32
    assert surroundings.connections(Workload(loads=opened((50.0,)))) == 1000


@pytest.mark.parametrize(
    ("cgroup", "files", "allowed"),
    [
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "150000 100000"}, 1.5),
        ("0::/\n", {"cpu.max": "50000 100000"}, 0.5),
        ("0::/\n", {"cpu.max": "max 100000"}, None),
        ("2:cpu,cpuacct:/a\n", {"cpu/a/cpu.cfs_quota_us": "300000\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, 3.0),
        ("2:cpu:/\n0::/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ("8:memory:/\n", {}, None),
    ],
)
def test_the_tightest_quota_of_all_groups_counts(
    tmp_path: Path, cgroup: str, files: dict[str, str], allowed: float | None
) -> None:
    (tmp_path / "cgroup").write_text(cgroup)
    for name, text in files.items():
        path = tmp_path / "mounted" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert surroundings.cpu_quota(tmp_path / "cgroup", tmp_path / "mounted") == allowed
    assert surroundings.cpu_quota(tmp_path / "none", tmp_path / "mounted") is None


def test_the_disk_has_room_and_folders_that_are_not_there_yet_may_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert surroundings.disk([tmp_path / "not" / "yet"]).found.startswith("writable, ")
    monkeypatch.setattr(surroundings, "_ENOUGH_DISK", 1e18)
    assert "make room" in surroundings.disk([tmp_path]).advice
    monkeypatch.setattr("os.access", lambda *_: False)
    assert surroundings.disk([tmp_path]).found == f"not writable: {tmp_path}"
