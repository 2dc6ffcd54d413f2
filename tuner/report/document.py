"""What `report.json` holds, version 4; `tuner/schemas/report.schema.json` is made of these classes.

Seconds everywhere; a number that is infinite is the text "Infinity" or "-Infinity", one that is not known is null.

History. 1: first. 2: loads of either loop instead of users, and sequences in their order instead of maps by users;
placement, noise, ties, arrivals; levels with goodput, sessions and conditions. 3: quality instead of accuracy: its
basis, the paired difference to the default and the answers under load. 4: finalists and search.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tuner.machine import Machine, Placement
from tuner.report.advice import DoubtGroup
from tuner.report.effort import Phase
from tuner.report.finalist import Finalist
from tuner.report.finalists.breakdown import Breakdown
from tuner.report.rows import Standing
from tuner.study.space import Configuration
from tuner.study.study import Noise, Settings
from tuner.study.trial import Confirmation, Trial
from tuner.study.workload import Load

REPORT_VERSION = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Which study it is; `seconds` is the time spent searching, `command` what made it."""

    name: str
    started: str
    seconds: float
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """From which ratio on the `figure` that decides can be told apart between `trials` and between `finalists`.

    Null where the noise of the machine is not known.
    """

    figure: str
    trials: float | None
    finalists: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to deploy, and why: `winner`, `default`, `chosen` and `lost` are numbers of trials.

    `better` says whether the winner beats the default beyond noise. `chosen` is the finalist that the `sentence` says
    to run, `configuration` what to serve. Every confirming launch of those `lost` failed. `arrivals` is the load of the
    open loop that was confirmed beside a closed one. Estimates of `finalists` follow `settings.workload.loads`.
    """

    sentence: str
    better: bool
    winner: int | None
    default: int | None
    chosen: int | None
    configuration: Configuration | None
    lost: tuple[int, ...]
    arrivals: Load | None
    finalists: tuple[Finalist, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What the launches of a finalist show, or of the best trial and the default where nothing was confirmed.

    `samples` counts the `launches` that left theirs. `limit` says what limits the configuration and what to try next,
    `time` where the time of the mean valid request under the target load goes; null without samples.
    """

    trial: int
    role: str
    launches: int
    samples: int
    limit: str
    time: Breakdown | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gained:
    """The hypervolume after a trial, as a share of the box from the reference to the best of each objective."""

    trial: int
    hypervolume: float
    improved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mattered:
    """By how much the best tenth of the `trials`, which are the `best`, differs from all in each knob: `shares` of one.

    `low_confidence` says that there were too few trials to rely on them.
    """

    objective: str
    shares: Mapping[str, float]
    trials: int
    best: int
    low_confidence: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What the search gained from trial to trial, and which knobs mattered.

    Latencies count by their logarithm. The `reference` is the worst of each objective among the default and the trials
    within the limits, in its own unit; empty where there are none.
    """

    gains: tuple[Gained, ...]
    reference: tuple[float, ...]
    importances: tuple[Mattered, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Where the time went: phases of all launches, what passed `between` them, and the share of all under load.

    `reused` counts those of the `launches` that were none: they went on with the server of an earlier trial.
    """

    seconds: float
    launches: int
    reused: int
    between: float
    load_share: float
    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged(Trial):
    """A trial as it was measured or failed, and how it stands among the others.

    `misses` says by how much each limit is missed, `slo` in seconds and `quality` as a share; at most zero meets it. At
    the loads of `front`, indices into `settings.workload.loads`, it lies on the front. `ties_best` says that noise does
    not tell it from the best trial within the limits.
    """

    standing: Standing
    reason: str
    roles: tuple[str, ...]
    misses: Mapping[str, float]
    front: tuple[int, ...]
    ties_best: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A study for other programs: what was asked, where, what was measured, and what follows.

    Everything is compared with the configuration `default`. `noise` is what `tuner doctor` had found out about the
    machine, if it was run; `placement` tells the cores of the server and of the load.
    """

    version: int = REPORT_VERSION
    study: About
    settings: Settings
    machine: Machine
    placement: Placement
    noise: Noise | None
    ties: Ties
    default: Configuration
    verdict: Decision
    doubts: tuple[DoubtGroup, ...]
    finalists: tuple[Explained, ...]
    search: Searched
    effort: Spent
    trials: tuple[Judged, ...]
    confirmations: tuple[Confirmation, ...]
