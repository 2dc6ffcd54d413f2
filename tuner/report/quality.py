"""The quality of answers in words; it is called accuracy only where labels said what is right."""

from tuner.study.quality import Basis, Quality
from tuner.study.study import Study
from tuner.units import format_change, format_points, format_share


def basis_of(study: Study) -> Basis:
    """Say what the answers of a study were compared with; accuracy where nothing was verified."""
    measured = (trial.measurement for trial in study.trials)
    return next((one.quality.basis for one in measured if one and one.quality), Basis.ACCURACY)


def change(found: Quality) -> str:
    """Write the paired difference to the default, such as `−0.1 pt [−0.5, +0.3]`; nothing where there is none."""
    return format_change(found.change.value, found.change.low, found.change.high) if found.change else ""


def answered(found: Quality) -> str:
    """Write the share with its difference to the default, such as `accuracy 94.9 % (−0.1 pt [−0.5, +0.3])`."""
    against = change(found)
    return f"{found.basis} {format_share(found.share)}{f' ({against})' if against else ''}"


def shortfall(found: Quality) -> str:
    """Say by how much it falls short of the default's."""
    if not found.default_known:
        return f"{found.basis} cannot be compared: the default's answers are not known"
    return f"{found.basis} is {format_points(found.drop)} below the default's"


def asked(found: Quality) -> str:
    """Say how many answers that is, and to which requests."""
    meaning = {Basis.ACCURACY: "answers right", Basis.AGREEMENT: "answers as the default's"}[found.basis]
    return f"{found.correct:,} of {found.total:,} {meaning}, {found.rows}"


def load_share(found: Quality) -> str:
    """Say what was seen under load; nothing where no answer was sampled."""
    under = found.under_load
    return f"{found.basis} under load {format_share(under.share)} of {under.total:,}" if under else ""
