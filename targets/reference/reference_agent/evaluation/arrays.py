"""Arrays out of a file that somebody else wrote."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reference_agent.errors import StartError

Array = NDArray[np.generic]


def arrays_of(path: Path) -> dict[str, Array]:
    """Read all arrays of an .npz file in the order of their names; nothing in it is run."""
    try:
        with path.open("rb") as file:
            stored = np.load(file, allow_pickle=False)
            return {key: stored[key] for key in sorted(stored.files)}
    except FileNotFoundError:
        raise StartError(f"{path}: is missing; give an .npz file of rows") from None
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise StartError(f"{path}: is no .npz file of numbers ({error})") from None
