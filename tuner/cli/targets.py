"""`tuner targets`: what can be tuned out of the box."""

from typing import Annotated

import typer

from tuner.cli import options


def targets(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Show the knobs of this target, by name or folder.")] = None,
) -> None:
    """List the bundled targets, or show the knobs of one.

    Example: tuner targets reference
    """
    from tuner.report.console import print_space, print_targets
    from tuner.target import spec

    output = options.output(context)
    if name is None:
        print_targets({target: spec.description(target) for target in spec.bundled_names()}, output)
    else:
        loaded = spec.load(name)
        print_space(loaded.space, spec.declared_options(name), loaded.left_alone, output)
