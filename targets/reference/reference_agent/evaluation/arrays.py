"""Arrays out of a file that somebody else wrote."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reference_agent.errors import StartError

_BROKEN = (
    *(OSError, ValueError, EOFError, AttributeError, TypeError),
    *(RuntimeError, NotImplementedError, MemoryError),  # encrypted, an unknown compression, a size that is a lie
    *(zipfile.BadZipFile, zlib.error),
)
Array = NDArray[np.generic]


def arrays_of(path: Path) -> dict[str, Array]:
    """Read all arrays of an .npz file in the order of their names; nothing in it is run."""
    try:
        with path.open("rb") as file:
            stored = np.load(file, allow_pickle=False)
            arrays = {key: stored[key] for key in sorted(stored.files)}
    except FileNotFoundError:
        raise StartError(f"{path}: is missing; give an .npz file of rows") from None
    except _BROKEN as error:
        raise StartError(f"{path}: is no .npz file of numbers ({error})") from None
    for key, array in arrays.items():
        if not isinstance(array, np.ndarray):  # numpy gives what is no array as bytes
            raise StartError(f"{path}: is no .npz file of numbers ({key!r} is no array)")
        if not array.ndim:
            raise StartError(f"{path}: {key!r} is a single number; its first axis must be the rows")
    return arrays
