"""`tuner targets`: what can be tuned out of the box."""

from typing import TYPE_CHECKING, Annotated

import typer

from tuner import bundled
from tuner.cli import options

if TYPE_CHECKING:
    from tuner.terminal import Output


def targets(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(help="Show the knobs of this target, by name or folder.", autocompletion=bundled.target_names),
    ] = None,
) -> None:
    """List the bundled targets, or show the knobs of one.

    Example: tuner targets reference
    """
    output = options.output(context)
    if name is None:
        _list(output)
    else:
        _show(name, output)


def _list(output: "Output") -> None:
    from rich.table import Table

    from tuner.target import spec
    from tuner.terminal import cell

    descriptions = {name: spec.description(name) for name in bundled.target_names()}
    output.tell({"targets": [{"name": name, "description": about} for name, about in descriptions.items()]})
    table = Table("target")
    table.add_column("what it is", overflow="fold")
    for row in descriptions.items():
        table.add_row(*map(cell, row))
    output.show(table)


def _show(name: str, output: "Output") -> None:
    from pydantic import TypeAdapter

    from tuner.cli.knobs import show_space
    from tuner.settings.flags import flag_of
    from tuner.study.space import SearchSpace
    from tuner.target import spec

    target, declared = spec.load(name), spec.declared_options(name)
    space = TypeAdapter(SearchSpace).dump_python(target.space, mode="json")
    output.tell({**space, "options": declared, "left_alone": list(target.left_alone)})
    show_space(target.space, target.left_alone, output)
    for option, meaning in declared.items():
        output.say(f"option {flag_of(option)}: {meaning}")
