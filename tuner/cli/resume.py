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

    output = options.output(context)
    with open_study(folder, storage, secret=context.obj.storage) as store:
        if budget is not None and (have := len(store.trials)) >= budget:
            note = (
                f"note: {folder} has {have} trials already: --budget {budget} adds none, only what is left to confirm"
            )
            options.show_lines([note], output)
        go_on(store, output, budget)
