"""A study in a real PostgreSQL, started for the test on loopback and gone after it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.search.searches import Silent, header, measured
from tuner.search import engine
from tuner.search.storage import create, open_study, read_study
from tuner.study.space import SearchSpace
from tuner.target.launch import free_port


def _program(name: str) -> Path | None:
    found = shutil.which(name)
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return Path(found) if found else (installed[-1] if installed else None)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    pytest.importorskip("psycopg")
    initdb, control = _program("initdb"), _program("pg_ctl")
    if initdb is None or control is None:
        pytest.skip("PostgreSQL is not installed")
    folder = Path("/tmp") / f"tuner-postgres-{os.getpid()}"
    folder.mkdir()
    data, port = str(folder / "data"), free_port()
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
    try:
        _run(folder, initdb, "-D", data, "-A", "trust", "-U", "tuner", "--no-sync")
        _run(folder, control, "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql+psycopg://tuner:secret@127.0.0.1:{port}/postgres"
        finally:
            _run(folder, control, "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder: Path, *command: str | Path) -> None:
    """Run a program of PostgreSQL, which refuses to be run by root."""
    user = "postgres" if os.getuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, user=user)


def test_a_study_lives_in_postgresql_and_its_password_stays_out_of_the_folder(
    postgres: str, tmp_path: Path, space: SearchSpace
) -> None:
    with create(tmp_path, header(space, budget=3), postgres) as store:
        engine.search(store, (), measured, Silent())
    folder = tmp_path / "mine"
    assert not (folder / "study.db").exists()
    assert "secret" not in (folder / "study.json").read_text()
    study = read_study(folder, secret=postgres)
    assert len(study.trials) == 3
    with open_study(folder, postgres) as store:
        store.set_budget(4)
        engine.search(store, (), measured, Silent())
        assert len(store.trials) == 4
