"""What a baseline may be: a file of settings, another folder, and a revision of a real repository."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tuner import bundled
from tuner.errors import TargetFileError, UsageError
from tuner.gate.side import New, baseline
from tuner.study.space import Value
from tuner.target import spec

OWN = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org")


def new(target: str, options: dict[str, str] | None = None, **sets: Value) -> New:
    loaded = spec.load(target, options)
    return New(target=loaded, reference=spec.reference(target), options=options or {}, sets=sets, cores=(0, 1))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the null target in a repository, committed and then changed, with the working folder beside it."""
    repository = tmp_path / "repository"
    folder = repository / "server"
    shutil.copytree(bundled.targets() / "null", folder)
    (repository / "tuner.toml").write_text("[set]\ndelay_ms = 4\n[options]\nlaw = 'lognormal'\n")
    monkeypatch.chdir(repository)
    git("init", "-q", ".")
    git("add", "-A")
    git("commit", "-q", "-m", "one")
    text = (folder / "target.toml").read_text()
    (folder / "target.toml").write_text(text.replace("ready = 10.0", "ready = 11.0"))
    return folder


def git(*arguments: str) -> None:
    subprocess.run([*OWN, *arguments], check=True, stdout=subprocess.DEVNULL)


def test_a_file_is_a_configuration_whatever_is_set(tmp_path: Path) -> None:
    path = tmp_path / "committed.toml"
    path.write_text("users = [4, 32]\n[set]\ndelay_ms = 3\n[options]\nsigma = '0.7'\n")
    asked = new("null", {"law": "lognormal"}, delay_ms=8.0)
    with baseline(str(path), asked) as before:
        assert before.configuration == {"delay_ms": 3.0}
        assert before.described.options == {"law": "lognormal", "sigma": "0.7"}
        assert before.target.names["sigma"] == "0.7"
    assert asked.side.configuration == {"delay_ms": 8.0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[set]\ndelay = 3\n", "unknown knob 'delay'; did you mean 'delay_ms'"),
        ("[set]\ndelay_ms = 300\n", "outside 0.0 to 20.0"),
        ("[sets]\n", "unknown setting 'sets'; did you mean 'set'"),
        ("delay_ms 3", "a file as a baseline is a tuner.toml"),
        ("[options]\nlow = 'x'\n", "unknown option '--low'"),
    ],
)
def test_a_file_that_says_something_else(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "committed.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words), baseline(str(path), new("null")):
        pass


def test_a_folder_is_launched_in_the_configuration_of_the_new_one(tmp_path: Path) -> None:
    shutil.copytree(bundled.targets() / "null", tmp_path / "old")
    asked = new("null", delay_ms=8.0)
    with baseline(str(tmp_path / "old"), asked) as before:
        assert before.configuration == {"delay_ms": 8.0}
        assert before.target.folder == tmp_path / "old"
        assert before.target.locustfile == asked.target.locustfile


def test_a_folder_without_a_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetFileError, match=r"has no target\.toml"), baseline(str(tmp_path), new("null")):
        pass


def test_a_revision_is_what_was_committed(server: Path) -> None:
    asked = new(str(server))
    assert asked.target.timeouts.ready == 11.0
    with baseline("HEAD", asked) as before:
        folder = before.target.folder
        assert before.target.timeouts.ready == 10.0
        assert (folder / "null_server.py").is_file()
        assert before.described.source.startswith("HEAD (")
        assert not folder.is_relative_to(server.parent)
    assert not folder.exists()


def test_a_revision_has_the_settings_of_its_own_and_those_that_were_typed(server: Path) -> None:
    """tuner.toml says another delay and law now; that they come in as if typed does not make them the baseline's."""
    (server.parent / "tuner.toml").write_text("[set]\ndelay_ms = 6\n[options]\nlaw = 'mdc'\n")
    with baseline("HEAD", new(str(server), {"law": "mdc", "sigma": "0.7"}, delay_ms=6.0)) as before:
        assert before.configuration == {"delay_ms": 4.0}
        assert before.described.options == {"law": "lognormal", "sigma": "0.7"}
    with baseline("HEAD", new(str(server), {"law": "constant"}, delay_ms=7.0)) as before:
        assert before.configuration == {"delay_ms": 7.0}
        assert before.described.options == {"law": "constant"}


@pytest.mark.parametrize("revision", ["nowhere", "HEAD~7", "--output=evil", "HEAD:server"])
def test_what_is_no_revision_is_refused(server: Path, revision: str) -> None:
    with pytest.raises(UsageError, match="no revision of a git repository"), baseline(revision, new(str(server))):
        pass
    assert not (server.parent / "evil").exists()


def test_a_target_that_was_not_there_then(server: Path) -> None:
    shutil.copytree(server, server.with_name("later"))
    with pytest.raises(UsageError, match=r"has no later/target\.toml"), baseline("HEAD", new("later")):
        pass


def test_outside_of_a_repository_there_is_no_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(bundled.targets() / "null", tmp_path / "mine")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(UsageError, match="no revision"), baseline("HEAD", new(str(tmp_path / "mine"))):
        pass
