"""JSON Schemas of `tuner.toml` and `target.toml`, for editors: made of the models that read the files.

`python -m tuner.settings.schema` writes them again into `tuner/schemas/`.
"""

import json
from pathlib import Path
from typing import Any

from tuner.files import write_atomically
from tuner.schemas import DIALECT, TARGET, TUNER
from tuner.settings.file import SettingsTable
from tuner.target.file import TargetTable


def schemas() -> dict[Path, str]:
    """Make the text of each schema."""
    models = {
        TUNER: SettingsTable.model_json_schema(),
        TARGET: {**TargetTable.model_json_schema(), "title": "target.toml"},
    }
    return {path: json.dumps({"$schema": DIALECT, **_plain(found)}, indent=1) + "\n" for path, found in models.items()}


def _plain(value: Any) -> Any:
    """Leave out null, which TOML does not have: what is not set is not written."""
    if isinstance(value, list):
        return [_plain(one) for one in value if one != {"type": "null"}]
    if not isinstance(value, dict):
        return value
    return {key: _plain(one) for key, one in value.items() if not (key == "default" and one is None)}


if __name__ == "__main__":
    for path, text in schemas().items():
        write_atomically(path, text)
