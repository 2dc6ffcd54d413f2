"""The control groups of a process, of both versions."""

from pathlib import Path

import pytest

from tuner.cgroups import cpu_groups


@pytest.mark.parametrize(
    ("told", "folders"),
    [
        ("0::/user/mine\n", ["user/mine", "user", "."]),
        ("0::/\n", ["."]),
        ("5:memory:/a\n4:cpu,cpuacct:/a/b\n", ["cpu/a/b", "cpu/a", "cpu"]),
    ],
)
def test_a_group_and_all_around_it_up_to_where_they_are_mounted(told: str, folders: list[str]) -> None:
    root = Path("/sys/fs/cgroup")
    assert [str(path.relative_to(root)) for path in cpu_groups(told, root)] == folders
