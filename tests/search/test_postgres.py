"""A study in a real PostgreSQL, started for the test on loopback and gone after it."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.search.test_study import Silent, header, measured
from tuner.search import engine
from tuner.search.storage import create, open_study, read_study
from tuner.study.space import SearchSpace
from tuner.target.launch import free_port


def _program(name: str) -> Path | None:
    found = shutil.which(name)
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return Path(found) if found else (installed[-1] if installed else None)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("psycopg")
    initdb, control = _program("initdb"), _program("pg_ctl")
    if initdb is None or control is None:
        pytest.skip("PostgreSQL is not installed")
    # PostgreSQL refuses to run as root.
    user = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    folder = Path("/tmp") / f"tuner-postgres-{os.getpid()}"
    folder.mkdir()
    try:
        if user:
            entry = pwd.getpwnam("postgres")
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        port = free_port()
        data, log = str(folder / "data"), str(folder / "log")
        quiet = {"cwd": folder, "check": True, "stdout": subprocess.DEVNULL, **user}
        subprocess.run([initdb, "-D", data, "-A", "trust", "-U", "tuner", "--no-sync"], **quiet)  # type: ignore[call-overload]
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
        subprocess.run([control, "-D", data, "-w", "-l", log, "-o", options, "start"], **quiet)  # type: ignore[call-overload]
        try:
            yield f"postgresql+psycopg://tuner:secret@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([control, "-D", data, "-m", "immediate", "stop"], **quiet)  # type: ignore[call-overload]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_study_lives_in_postgresql_and_its_password_stays_out_of_the_folder(
    postgres: str, tmp_path: Path, space: SearchSpace
) -> None:
    with create(tmp_path, header(space, budget=3), postgres) as store:
        engine.search(store, (), measured, Silent())
    folder = tmp_path / "mine"
    assert not (folder / "study.db").exists()
    assert "secret" not in (folder / "study.json").read_text()
    study = read_study(folder, postgres)
    assert len(study.trials) == 3
    with open_study(folder, postgres) as store:
        store.set_budget(4)
        engine.search(store, (), measured, Silent())
        assert len(store.trials) == 4
