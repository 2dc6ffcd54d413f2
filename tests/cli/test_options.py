"""How the texts of a command line become values."""

import errno
import os
import re
import socket
from dataclasses import replace

import pytest

from tests import hot
from tests.conftest import MakeTarget
from tuner.cli import options
from tuner.cli.app import main
from tuner.errors import UsageError
from tuner.study.objectives import Slo
from tuner.study.space import Value
from tuner.target import spec
from tuner.target.launch import free_port
from tuner.target.spec import Target


@pytest.fixture
def target(make_target: MakeTarget) -> Target:
    """A target of three knobs; a search leaves two of them alone."""
    toml = hot.TOML.replace('default = "small"', 'default = "small", search = false')
    toml = toml.replace("default = 0.0", "default = 0.0, search = false")
    return spec.load(str(make_target(toml, server_py="", requests_jsonl=hot.REQUESTS)))


@pytest.mark.parametrize(
    ("sets", "vary", "pinned"),
    [
        ([], [], {"model": "small", "wait": 0.0}),
        (["model=large"], [], {"model": "large", "wait": 0.0}),
        (["batch=2"], ["model", "wait"], {"batch": 2}),
        ([], ["batch", "wait"], {"model": "small"}),
    ],
)
def test_a_knob_is_left_alone_unless_it_is_named(
    target: Target, sets: list[str], vary: list[str], pinned: dict[str, Value]
) -> None:
    assert options.held(target, sets, vary) == pinned
    assert {knob.name for knob in target.space.pinned(pinned).free} == set(target.space.names) - set(pinned)


def test_a_knob_cannot_be_held_and_varied(target: Target) -> None:
    with pytest.raises(UsageError, match="--vary model: --set holds it at large; give one of them"):
        options.held(target, ["model=large"], ["model"])
    with pytest.raises(UsageError, match="--vary: unknown knob 'modle'; did you mean 'model'"):
        options.held(target, [], ["modle"])


@pytest.mark.parametrize(
    ("given", "own", "kept"),
    [
        (None, None, None),
        (None, "p99=20ms", Slo(metric="p99", limit=0.02)),
        ("p50=5ms", "p99=20ms", Slo(metric="p50", limit=0.005)),
        ("none", "p99=20ms", None),
    ],
)
def test_the_slo_of_a_target_holds_unless_another_is_given(
    make_target: MakeTarget, given: str | None, own: str | None, kept: Slo | None
) -> None:
    toml = hot.TOML if own is None else f'slo = "{own}"\n{hot.TOML}'
    target = spec.load(str(make_target(toml, server_py="", requests_jsonl=hot.REQUESTS)))
    assert options.slo(given, target) == kept


@pytest.mark.parametrize("name", ["json", "budget", "dry_run", "help", "port"])
def test_an_option_of_a_target_has_a_name_that_reaches_it(
    make_target: MakeTarget, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    toml = f'{hot.TOML}\n[options]\n{name} = {{ default = "1", help = "x" }}\n'
    folder = make_target(toml, server_py="", requests_jsonl=hot.REQUESTS)
    with pytest.raises(SystemExit) as ended:
        main(["search", "--target", str(folder), "--dry-run"])
    assert ended.value.code == 2
    told = f"[options] {name}: --{name.replace('_', '-')} is a flag of tuner; choose another name"
    assert f"{folder / 'target.toml'}: {told}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EADDRINUSE, "something listens there already"),
        (errno.EACCES, "this user may not listen there, as on most ports below 1024"),
        (errno.EADDRNOTAVAIL, "nothing can listen there (Cannot assign requested address)"),
    ],
)
def test_a_port_that_cannot_be_had_says_why(number: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    options.require_free(free_port())
    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(UsageError, match=re.escape(f"--port 80: {said}; choose another port")):
        options.require_free(80)


def test_a_port_where_something_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="something listens there already"):
            options.require_free(taken.getsockname()[1])


def test_what_a_target_has_to_say_is_told_before_anything_is_measured(
    target: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(spec, "load", lambda *_: replace(target, notes=("[bold]batches of 8 only",)))
    for verb in ("search --dry-run", "measure --set x"):
        with pytest.raises(SystemExit):
            main([*verb.split(), "--target", str(target.folder)])
        assert "[bold]batches of 8 only\n" in capsys.readouterr().err
