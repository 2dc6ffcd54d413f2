"""A `tuner.toml` to begin with: every setting with what it is, commented out."""

from typing import Any

from pydantic.fields import FieldInfo

from tuner.settings.file import SettingsTable

_HEAD = """\
# Settings of tuner, for every search, measurement and server that is started in this folder.
# A flag wins over a variable TUNER_*, that over this file, and this file over [tool.tuner] in pyproject.toml.
# Take the # away in front of what you set. Unknown keys are refused.
"""


def template() -> str:
    """Write the file; the tables come last, as TOML wants it."""
    fields = SettingsTable.model_fields
    tables = {name: field for name, field in fields.items() if isinstance(_example(field), dict)}
    keys = [
        f"# {field.description}\n# {name} = {_toml(_example(field))}\n"
        for name, field in fields.items()
        if name not in tables
    ]
    sections = [
        f"# {field.description}\n# [{name}]\n"
        + "".join(f"# {key} = {_toml(value)}\n" for key, value in _example(field).items())
        for name, field in tables.items()
    ]
    return "\n".join((_HEAD, *keys, *sections))


def _example(field: FieldInfo) -> Any:
    assert field.examples is not None
    return field.examples[0]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)
