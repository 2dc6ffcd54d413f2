"""Calling the libraries that do the work: without their chatter, and with their failures as one sentence."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from reference_agent.errors import StartError


@contextmanager
def borrowed(purpose: str) -> Iterator[None]:
    """Silence a library and turn what it raises into a StartError that names `purpose`."""
    root, disabled = logging.getLogger(), logging.root.manager.disable
    handlers, level = root.handlers[:], root.level
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except StartError:
        raise
    except ImportError as error:
        raise StartError(f"{purpose} needs the package {error.name}; pip install {error.name}") from None
    except Exception as error:  # the libraries raise whatever their own code ran into
        raise StartError(f"{purpose} fails: {first_line(error)}") from None
    finally:
        logging.disable(disabled)
        root.handlers[:] = handlers  # one of the quantizers configures the root logger when it is imported
        root.setLevel(level)


def first_line(error: Exception) -> str:
    """What an error says, without the rest of what it tells."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
