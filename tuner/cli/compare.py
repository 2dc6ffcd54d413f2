"""`tuner compare`: what differs between two stored studies, or two folders of measurements."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli import options
from tuner.cli.folders import folder_for

if TYPE_CHECKING:
    from tuner.report.comparison.sources import Source


def compare(
    context: typer.Context,
    before: Annotated[
        Path,
        typer.Argument(
            help="A study's folder, or one of measurements: what was there before.", parser=folder_for("BEFORE")
        ),
    ],
    after: Annotated[
        Path, typer.Argument(help="Another of the same kind: what is there now.", parser=folder_for("AFTER"))
    ],
    other_machine: Annotated[
        bool, typer.Option("--other-machine", help="Compare figures of different or unknown machines all the same.")
    ] = False,
    storage: options.Storage = None,
) -> None:
    """Say what differs between two studies or measurements that are stored, and what of it is more than noise.

    Exit code 5 where the second is worse beyond noise. Nothing is measured; tuner gate does that, and more closely.

    Example: tuner compare reports/monday reports/tuesday
    """
    from tuner.report.comparison.console import print_comparison
    from tuner.report.comparison.judge import compare as judged

    sources = (_source(folder, storage, context.obj.storage) for folder in (before, after))
    found = judged(*sources, other_machine=other_machine)
    print_comparison(found, options.output(context))
    found.require_no_worse()


def _source(folder: Path, storage: str | None, secret: str | None) -> "Source":
    from tuner.report.comparison.sources import is_measurements, of_measurements, of_study
    from tuner.search.storage import read_study

    if is_measurements(folder) and not (folder / "study.json").exists():
        return of_measurements(folder)
    return of_study(read_study(folder, storage, secret=secret), str(folder))
