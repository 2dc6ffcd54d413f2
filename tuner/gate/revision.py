"""A folder as it was in a git revision."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tuner.errors import UsageError


class _GitError(UsageError):
    """Git refused; the message is its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """The files of one revision: of the repository at `top`, below `folder`."""

    top: Path
    folder: Path
    commit: str

    def at(self, path: Path) -> Path:
        """Return where a file or folder of the repository lies in this revision; others are where they are."""
        return self.folder / path.relative_to(self.top) if path.is_relative_to(self.top) else path

    def followed(self, path: Path) -> Path:
        """Return where a path leads in this revision: links below the top are followed there, and not as they are now.

        A path that never enters the repository is where it is.
        """
        whole = Path.cwd() / path
        for outer in (*reversed(whole.parents), whole):
            if (place := outer.resolve()).is_relative_to(self.top):
                led = (self.at(place) / whole.relative_to(outer)).resolve()
                # A link may name the repository by its whole path.
                return led if led.is_relative_to(self.folder) else self.at(led)
        return path


@contextmanager
def checkout(revision: str, inside: Path) -> Iterator[Checkout]:
    """Write the committed files of a revision of the repository around `inside` into a folder, as long as needed."""
    if shutil.which("git") is None:
        raise UsageError(
            f"--baseline {revision!r}: is no file or folder, and a revision needs git, which is not installed"
        )
    try:
        top, commit = _find(revision, inside)
    except _GitError as error:
        raise UsageError(
            f"--baseline {revision!r}: is no file, no folder, and no revision of a git repository around {inside} "
            f"({error}){_hint(inside)}"
        ) from None
    with TemporaryDirectory(prefix="tuner-baseline-") as name:
        folder = Path(name).resolve() / "files"
        folder.mkdir()
        try:
            _write(top, commit, folder)
        except _GitError as error:
            raise UsageError(f"--baseline {revision!r}: its files cannot be written to {folder} ({error})") from None
        yield Checkout(top=top, folder=folder, commit=commit)


def is_revision(text: str, inside: Path) -> bool:
    """Whether a text names a revision of the repository around `inside`."""
    if shutil.which("git") is None:
        return False
    try:
        _find(text, inside)
    except _GitError:
        return False
    return True


def _hint(inside: Path) -> str:
    """Say what to do where a revision may be missing because only some of them were fetched."""
    try:
        shallow = _git(inside, "rev-parse", "--is-shallow-repository") == "true"
    except _GitError:
        return ""
    return "; only some revisions were fetched: git fetch --unshallow, or fetch-depth: 0 in CI" if shallow else ""


@cache
def _of_a_repository() -> frozenset[str]:
    """Return the variables by which git tells its hooks their repository; settings are no part of that."""
    told = subprocess.run(["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True, check=False).stdout
    return frozenset(name for name in told.split() if not name.startswith("GIT_CONFIG_"))


def _find(revision: str, inside: Path) -> tuple[Path, str]:
    """Return the top of the repository around `inside`, and the commit that a revision is."""
    top = Path(_git(inside, "rev-parse", "--show-toplevel"))
    return top, _git(top, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")


def _write(top: Path, commit: str, folder: Path) -> None:
    """Check a commit out into `folder`, by an index of its own that leaves the repository's alone.

    `git archive` would leave out what `export-ignore` names, `git worktree` would run hooks and be seen by everybody.
    """
    places = (f"--git-dir={_git(top, 'rev-parse', '--absolute-git-dir')}", f"--work-tree={folder}")
    index = folder.with_name("index")
    _git(folder, *places, "read-tree", "--reset", "-u", "--no-sparse-checkout", commit, index=index)


def _git(folder: Path, *arguments: str, index: Path | None = None) -> str:
    """Run git in a folder, whatever repository a hook that runs us is of; raises what it says."""
    env = {name: value for name, value in os.environ.items() if name not in _of_a_repository()}
    env |= {} if index is None else {"GIT_INDEX_FILE": str(index)}
    command = ["git", "-C", str(folder), *arguments]
    ended = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if ended.returncode:
        said = ended.stderr.decode(errors="backslashreplace").strip() or f"exit code {ended.returncode}"
        raise _GitError(f"git: {' '.join(said.split())}")
    return ended.stdout.decode(errors="surrogateescape").removesuffix("\n")
