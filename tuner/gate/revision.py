"""A folder as it was in a git revision."""

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

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


@contextmanager
def checkout(revision: str, inside: Path) -> Iterator[Checkout]:
    """Write the committed files of a revision of the repository around `inside` into a folder, as long as needed."""
    if shutil.which("git") is None:
        raise UsageError(
            f"--baseline {revision!r}: is no file or folder, and a revision needs git, which is not installed"
        )
    try:
        top = Path(_git(inside, "rev-parse", "--show-toplevel"))
        commit = _git(top, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    except _GitError as error:
        raise UsageError(
            f"--baseline {revision!r}: is no file, no folder, and no revision of a git repository around {inside} "
            f"({error})"
        ) from None
    with TemporaryDirectory(prefix="tuner-baseline-") as name, TemporaryFile() as archive:
        folder = Path(name).resolve()
        _git(top, "archive", "--format=tar", commit, output=archive.fileno())
        archive.seek(0)
        with tarfile.open(fileobj=archive) as files:
            files.extractall(folder, filter="data")
        yield Checkout(top=top, folder=folder, commit=commit)


def _git(folder: Path, *arguments: str, output: int = subprocess.PIPE) -> str:
    """Run git; raises what it says."""
    command = ["git", "-C", str(folder), *arguments]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE, check=False)
    if ended.returncode:
        said = ended.stderr.decode(errors="backslashreplace").strip() or f"exit code {ended.returncode}"
        raise _GitError(f"git {arguments[0]}: {' '.join(said.split())}")
    return (ended.stdout or b"").decode().removesuffix("\n")
