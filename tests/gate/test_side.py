"""What a baseline may be: a file of settings, another folder, and a revision of a real repository."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.gate.repository import git
from tuner import bundled
from tuner.errors import TargetFileError, UsageError
from tuner.gate.side import New, launchable_baseline
from tuner.study.space import Value
from tuner.target import spec


def new(target: str, options: dict[str, str] | None = None, typed: Sequence[str] | None = None, **sets: Value) -> New:
    """The new side, all of it typed unless the words that were are given."""
    loaded, options = spec.load(target, options), options or {}
    words = [*(f"--{name}={value}" for name, value in options.items()), *(f"--set={name}=" for name in sets)]
    return New(
        target=loaded,
        named=spec.named(target),
        reference=spec.reference(target),
        options=options,
        sets=sets,
        cores=(0, 1),
        typed=words if typed is None else typed,
    )


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


def test_a_file_is_a_configuration_whatever_is_set(tmp_path: Path) -> None:
    path = tmp_path / "committed.toml"
    path.write_text("users = [4, 32]\n[set]\ndelay_ms = 3\n[options]\nsigma = '0.7'\n")
    asked = new("null", {"law": "lognormal"}, delay_ms=8.0)
    with launchable_baseline(str(path), asked) as before:
        assert before.configuration == {"delay_ms": 3.0}
        assert before.described.options == {"law": "lognormal", "sigma": "0.7"}
        assert before.target.names["sigma"] == "0.7"
    assert asked.launchable.configuration == {"delay_ms": 8.0}


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
    with pytest.raises(UsageError, match=words), launchable_baseline(str(path), new("null")):
        pass


def test_a_folder_is_launched_in_the_configuration_of_the_new_one(tmp_path: Path) -> None:
    shutil.copytree(bundled.targets() / "null", tmp_path / "old")
    asked = new("null", delay_ms=8.0)
    with launchable_baseline(str(tmp_path / "old"), asked) as before:
        assert before.configuration == {"delay_ms": 8.0}
        assert before.target.folder == tmp_path / "old"
        assert before.target.locustfile == asked.target.locustfile


def test_a_folder_without_a_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetFileError, match=r"has no target\.toml"), launchable_baseline(str(tmp_path), new("null")):
        pass


def test_a_revision_is_what_was_committed(server: Path) -> None:
    asked = new(str(server))
    assert asked.target.timeouts.ready == 11.0
    with launchable_baseline("HEAD", asked) as before:
        folder = before.target.folder
        assert before.target.timeouts.ready == 10.0
        assert (folder / "null_server.py").is_file()
        assert before.described.source.startswith("HEAD (")
        assert not folder.is_relative_to(server.parent)
    assert not folder.exists()


def test_a_revision_has_the_settings_of_its_own_and_those_that_were_typed(server: Path) -> None:
    """tuner.toml says another delay and law now; that they come in as flags does not make them the baseline's."""
    (server.parent / "tuner.toml").write_text("[set]\ndelay_ms = 6\n[options]\nlaw = 'mdc'\n")
    typed = ["--target", "server", "--sigma", "0.7"]
    with launchable_baseline("HEAD", new(str(server), {"law": "mdc", "sigma": "0.7"}, typed, delay_ms=6.0)) as before:
        assert before.configuration == {"delay_ms": 4.0}
        assert before.described.options == {"law": "lognormal", "sigma": "0.7"}
        assert before.target.names["law"] == "lognormal"
    with launchable_baseline("HEAD", new(str(server), {"law": "constant"}, delay_ms=7.0)) as before:
        assert before.configuration == {"delay_ms": 7.0}
        assert before.described.options == {"law": "constant"}


@pytest.mark.parametrize("whole", [False, True], ids=["relative", "whole path"])
@pytest.mark.parametrize(
    "asked", ["deploy/current", "deploy/current/target.toml", "now/current", "deploy/../now/current"]
)
def test_a_link_to_a_target_leads_where_it_led_in_the_revision(server: Path, asked: str, whole: bool) -> None:
    """The link was to `server`, and is now to `other`; it is also reached by the link `now`, which is new."""
    repository = server.parent
    link = repository / "deploy" / "current"
    link.parent.mkdir()
    link.symlink_to(server if whole else "../server")
    (repository / "now").symlink_to("deploy")
    git("add", "-A")
    git("commit", "-q", "-m", "linked")
    shutil.copytree(server, repository / "other")
    link.unlink()
    link.symlink_to("../other")
    text = (repository / "other" / "target.toml").read_text()
    (repository / "other" / "target.toml").write_text(text.replace("ready = 11.0", "ready = 12.0"))
    assert new(asked).target.timeouts.ready == 12.0
    with launchable_baseline("HEAD", new(asked)) as before:
        assert before.target.timeouts.ready == 11.0
        assert before.target.folder.name == "server"
        assert not before.target.folder.is_relative_to(repository)


def test_a_link_to_the_repository_from_outside_leads_into_the_revision(server: Path) -> None:
    outside = server.parent.with_name("outside")
    outside.symlink_to(server)
    with launchable_baseline("HEAD", new(str(outside))) as before:
        assert before.target.timeouts.ready == 10.0


def test_what_was_typed_holds_for_both_even_where_it_is_what_the_file_says(server: Path) -> None:
    (server.parent / "tuner.toml").write_text("[set]\ndelay_ms = 6\n")
    with launchable_baseline("HEAD", new(str(server), typed=["--set", "delay_ms=6"], delay_ms=6.0)) as before:
        assert before.configuration == {"delay_ms": 6.0}


def test_a_revision_has_its_pyproject_too_and_variables_hold_for_both(
    server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("rm", "-q", "--cached", "tuner.toml")
    (server.parent / "pyproject.toml").write_text("[tool.tuner.set]\ndelay_ms = 3\n[tool.tuner.options]\nlaw='mdc'\n")
    git("add", "pyproject.toml")
    git("commit", "-q", "-m", "two")
    (server.parent / "pyproject.toml").write_text("[tool.tuner.set]\ndelay_ms = 9\n")
    monkeypatch.setenv("TUNER_OPTIONS", "sigma=0.9")
    with launchable_baseline("HEAD", new(str(server), {"sigma": "0.9"}, typed=[], delay_ms=9.0)) as before:
        assert before.configuration == {"delay_ms": 3.0}
        assert before.described.options == {"law": "mdc", "sigma": "0.9"}


@pytest.fixture
def models(server: Path) -> Path:
    """The server with an option that names a file: of the first revision v1, of the working folder v2."""
    toml = server / "target.toml"
    text = toml.read_text().replace("[options]\n", "[options]\nmodel = { default = '', file = true, help = 'x' }\n")
    toml.write_text(text.replace('"--law"', '"--record", "$model", "--law"'))
    folder = server.parent
    (folder / "models").mkdir()
    (folder / "models" / "v1.onnx").write_text("v1")
    (folder / "model.onnx").symlink_to("models/v1.onnx")
    (folder / "tuner.toml").write_text("[options]\nmodel = 'models/v1.onnx'\n")
    git("add", "-A")
    git("commit", "-q", "-m", "models")
    (folder / "models" / "v1.onnx").rename(folder / "models" / "v2.onnx")
    (folder / "models" / "v2.onnx").write_text("v2")
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").symlink_to("models/v2.onnx")
    (folder / "tuner.toml").write_text("[options]\nmodel = 'models/v2.onnx'\n")
    return folder


@pytest.mark.usefixtures("models")
def test_a_revision_has_the_model_that_its_settings_name_also_where_it_was_renamed_since() -> None:
    with launchable_baseline("HEAD", new("server", {"model": "models/v2.onnx"}, typed=[])) as before:
        assert Path(before.target.names["model"]).read_text() == "v1"
        assert before.described.options == {"model": "models/v1.onnx"}
    assert Path(new("server", {"model": "models/v2.onnx"}).target.names["model"]).read_text() == "v2"


def test_a_file_that_was_typed_is_the_revisions_own_if_it_has_one_and_a_link_leads_where_it_led_then(
    models: Path,
) -> None:
    with launchable_baseline("HEAD", new("server", {"model": "model.onnx"})) as before:
        assert Path(before.target.names["model"]).read_text() == "v1"
    (models / "untracked.onnx").write_text("here")
    with launchable_baseline("HEAD", new("server", {"model": "untracked.onnx"})) as before:
        assert Path(before.target.names["model"]).read_text() == "here"


def test_only_options_that_are_files_are_looked_for_in_a_revision(server: Path) -> None:
    """A text that happens to be the name of a file stays a text."""
    (server.parent / "tuner.toml").unlink()
    with launchable_baseline("HEAD", new(str(server), {"record": "server/target.toml"})) as before:
        assert before.target.names["record"] == "server/target.toml"


def test_a_revision_is_whole_whatever_is_ignored_on_export_linked_or_sparse(server: Path) -> None:
    (server / ".gitattributes").write_text("null_server.py export-ignore\n")
    (server / "outside").symlink_to("/etc/hostname")
    (server / "above").symlink_to("../../elsewhere")
    git("add", "-A")
    git("commit", "-q", "-m", "odd")
    git("sparse-checkout", "set", "--no-cone", "/tuner.toml", "/server/target.toml")
    with launchable_baseline("HEAD", new(str(server))) as before:
        assert (before.target.folder / "null_server.py").is_file()
        assert (before.target.folder / "outside").readlink() == Path("/etc/hostname")
        assert (before.target.folder / "above").is_symlink()
    status = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=True)
    assert status.stdout == ""


def test_a_knob_that_the_baseline_does_not_have_is_its_lack(server: Path) -> None:
    git("commit", "-q", "-a", "-m", "two")
    text = (server / "target.toml").read_text()
    text = text.replace("[space]\n", "[space]\nextra = { choices = ['', 'x'], default = '' }\n")
    (server / "target.toml").write_text(text.replace('"--record", "$record"', '"--record", "$record$extra"'))
    with (
        pytest.raises(
            UsageError, match=r"--baseline HEAD \(.*: unknown knob 'extra'.*make it the default in its target"
        ),
        launchable_baseline("HEAD", new("server", extra="x")),
    ):
        pass


def test_settings_of_a_revision_that_cannot_be_read_are_the_baselines(server: Path) -> None:
    (server.parent / "tuner.toml").write_text("budgets = 3\n")
    git("commit", "-q", "-a", "-m", "bad")
    (server.parent / "tuner.toml").unlink()
    with (
        pytest.raises(UsageError, match=r"--baseline HEAD \(.*: tuner.toml: unknown setting 'budgets'"),
        launchable_baseline("HEAD", new("server")),
    ):
        pass


def test_a_folder_that_is_named_as_a_branch_says_which_was_taken(server: Path) -> None:
    git("branch", "server")
    with launchable_baseline("server", new("server")) as before:
        assert before.notes == (
            "server is a folder and a git revision: the folder was taken; for the revision write server~0",
        )
        assert before.target.folder == server
    with launchable_baseline("server~0", new("server")) as before:
        assert before.target.folder != server
        assert before.notes == ()


def test_a_folder_that_is_no_target_does_not_hide_the_branch_of_its_name(server: Path) -> None:
    git("branch", "docs")
    (server.parent / "docs").mkdir()
    with (
        pytest.raises(UsageError, match=r"docs: has no target\.toml.*; for the revision write docs~0"),
        launchable_baseline("docs", new("server")),
    ):
        pass


def test_in_a_hook_of_a_worktree_the_repository_is_that_of_the_target(
    server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git tells hooks GIT_DIR and no GIT_WORK_TREE: every folder would be the top of that repository."""
    git("worktree", "add", "-q", str(tmp_path / "beside"))
    monkeypatch.setenv("GIT_DIR", str(server.parent / ".git" / "worktrees" / "beside"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    with launchable_baseline("HEAD", new(str(tmp_path / "beside" / "server"))) as before:
        assert before.target.timeouts.ready == 10.0
    assert not (tmp_path / "index").exists()


def test_a_revision_that_was_not_fetched_says_how_to_get_it(
    server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("commit", "-q", "-a", "-m", "two")
    git("clone", "-q", "--depth=1", f"file://{server.parent}", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    with (
        pytest.raises(UsageError, match=r"no revision .*git fetch --unshallow, or fetch-depth: 0"),
        launchable_baseline("HEAD~1", new("server")),
    ):
        pass


@pytest.mark.parametrize("revision", ["nowhere", "HEAD~7", "--output=evil", "HEAD:server"])
def test_what_is_no_revision_is_refused(server: Path, revision: str) -> None:
    with (
        pytest.raises(UsageError, match="no revision of a git repository"),
        launchable_baseline(revision, new(str(server))),
    ):
        pass
    assert not (server.parent / "evil").exists()


def test_a_target_that_was_not_there_then(server: Path) -> None:
    shutil.copytree(server, server.with_name("later"))
    with pytest.raises(UsageError, match=r"has no later/target\.toml"), launchable_baseline("HEAD", new("later")):
        pass


def test_outside_of_a_repository_there_is_no_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(bundled.targets() / "null", tmp_path / "mine")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(UsageError, match="no revision"), launchable_baseline("HEAD", new(str(tmp_path / "mine"))):
        pass
