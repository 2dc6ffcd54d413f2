"""Which execution providers run which precisions here, as the target's own program has tried them."""

from collections.abc import Mapping
from typing import Any

from tuner.doctor.diagnosis import Provider
from tuner.runtimes.known import advice


def providers(names: Mapping[str, Any]) -> tuple[Provider, ...]:
    """Read the fact `runs`: an object of providers, each an object of precisions with the reason why not, or ""."""
    runs = names.get("runs")
    if not isinstance(runs, dict):
        return ()
    return tuple(_provider(str(name), found) for name, found in runs.items() if isinstance(found, dict))


def _provider(name: str, found: Mapping[str, Any]) -> Provider:
    precisions = {str(precision): str(reason) for precision, reason in found.items()}
    return Provider(name=name, precisions=precisions, advice=advice(name) if all(precisions.values()) else "")


def reasons(provider: Provider) -> str:
    """Why a provider does not run some precisions: a reason once, with those that share it, or for all of them."""
    sharing: dict[str, list[str]] = {}
    for precision, reason in provider.precisions.items():
        if reason:
            sharing.setdefault(reason, []).append(precision)
    if len(sharing) == 1 and all(provider.precisions.values()):
        return next(iter(sharing))
    return "; ".join(f"{', '.join(precisions)}: {reason}" for reason, precisions in sharing.items())
