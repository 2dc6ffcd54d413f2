"""Which execution providers run which precisions here, as the target's own program has tried them."""

from collections.abc import Mapping

from tuner.doctor.diagnosis import Provider
from tuner.runtimes.known import advice


def providers(runs: Mapping[str, Mapping[str, str]]) -> tuple[Provider, ...]:
    """Add to what a target found out what to do about providers that run nothing."""
    return tuple(
        Provider(name=name, precisions=found, advice=advice(name) if all(found.values()) else "")
        for name, found in runs.items()
    )


def reasons(provider: Provider) -> str:
    """Why a provider does not run some precisions: a reason once, with those that share it, or for all of them."""
    sharing: dict[str, list[str]] = {}
    for precision, reason in provider.precisions.items():
        if reason:
            sharing.setdefault(reason, []).append(precision)
    if len(sharing) == 1 and all(provider.precisions.values()):
        return next(iter(sharing))
    return "; ".join(f"{', '.join(precisions)}: {reason}" for reason, precisions in sharing.items())
