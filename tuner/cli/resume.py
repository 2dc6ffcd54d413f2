"""`tuner resume`: go on where a study stopped."""

from pathlib import Path
from typing import Annotated

import typer

from tuner.cli import options
from tuner.cli.folders import folder_for


def resume(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The study's folder.", parser=folder_for("FOLDER"))],
    budget: Annotated[int | None, typer.Option("--budget", min=1, help="A new budget; default: the study's.")] = None,
    storage: options.Storage = None,
) -> None:
    """Continue a study: measure what is left of its budget, confirm, and write the report.

    Example: tuner resume reports/reference-20261123-101500
    """
    from tuner.cli.run import go_on
    from tuner.search.storage import open_study

    with open_study(folder, storage, secret=context.obj.storage) as store:
        go_on(store, options.output(context), budget)
