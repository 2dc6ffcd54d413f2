"""`tuner report`: make the report again from what is stored."""

from pathlib import Path
from typing import Annotated

import typer

from tuner.cli import options
from tuner.cli.folders import folder_for


def report(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The study's folder.", parser=folder_for("FOLDER"))],
    storage: options.Storage = None,
) -> None:
    """Write a study's report again from what is stored; nothing is measured.

    Example: tuner report reports/reference-20261123-101500
    """
    from tuner.report.console import print_verdict
    from tuner.report.write import write_report
    from tuner.search.storage import read_study

    study = read_study(folder, storage, secret=context.obj.storage)
    print_verdict(study, write_report(study, folder), options.output(context))
