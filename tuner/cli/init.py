"""`tuner init`: settings to begin with."""

import typer

from tuner.cli import options


def init(context: typer.Context) -> None:
    """Write a tuner.toml that has every setting in it, commented out, into this folder.

    Example: tuner init
    """
    from pathlib import Path

    from tuner.errors import StorageError, UsageError
    from tuner.schemas import TUNER
    from tuner.settings.layers import FILE
    from tuner.settings.template import template

    path = Path(FILE)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as handle:
            # A line that editors look for, wherever tuner is installed.
            handle.write(f"#:schema {TUNER.as_uri()}\n{template()}")
    except FileExistsError:
        raise UsageError(f"{FILE} exists already: change it, or move it out of the way") from None
    except OSError as error:
        raise StorageError(f"{FILE} cannot be written here ({error.strerror})") from None
    output = options.output(context)
    output.tell({"file": str(path.resolve()), "schema": str(TUNER)})
    output.say(f"{FILE} written; its first line lets your editor check it with the JSON Schema {TUNER}")
