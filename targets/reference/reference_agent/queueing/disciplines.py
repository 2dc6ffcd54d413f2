"""The order of the queue: a discipline gives every job a rank when it comes, and the lowest rank is next.

A rank never changes while a job waits. Ageing needs no more: in `cost - ageing * (now - arrived)` the present moment
is the same for all, so `cost + ageing * arrived` orders them alike, at any time.
"""

import math
from collections.abc import Callable

from reference_agent.queueing.job import Job
from reference_agent.queueing.policy import Discipline

AGEING = 0.25
"""Seconds of estimated cost that a second of waiting makes up for: whoever waits for 4 s more than another goes first,
were its cost a second more."""
PATIENCE = 1.0
"""Seconds until a job without a deadline counts as due among those that have one."""

MOST_SETTLED = 1024
"""Tenants that are remembered at least before those that are owed nothing are forgotten."""

Cost = Callable[[Job], float]
"""Seconds that a job will take alone."""


class Ranking:
    """Ranks by one discipline; fair shares remember what every tenant had, the others remember nothing."""

    def __init__(self, discipline: Discipline, cost: Cost) -> None:
        self._shares = Shares()
        self._cost = cost
        self._rank: Callable[[Job], float] = {
            Discipline.FIFO: self._fifo,
            Discipline.SJF: self._sjf,
            Discipline.LPT: self._lpt,
            Discipline.FAIR: self._fair,
            Discipline.EDF: self._edf,
        }[discipline]

    def rank(self, job: Job) -> float:
        """Return the place of a job that comes now; jobs of the same rank leave in the order they came."""
        return self._rank(job)

    def withdraw(self, job: Job) -> None:
        """Take note that a job will not be computed."""
        self._shares.refund(job.ticket.tenant, job.charged)
        job.charged = 0.0

    def left(self, rank: float, waiting: int) -> None:
        """Take note that a job of this rank leaves the queue, and how many stay."""
        self._shares.advance(rank, waiting)

    def _fifo(self, job: Job) -> float:
        return job.queued

    def _sjf(self, job: Job) -> float:
        return self._cost(job) + AGEING * job.queued

    def _lpt(self, job: Job) -> float:
        return -self._cost(job) + AGEING * job.queued

    def _edf(self, job: Job) -> float:
        due = job.ticket.deadline
        return due if math.isfinite(due) else job.queued + PATIENCE

    def _fair(self, job: Job) -> float:
        job.charged = self._cost(job)
        return self._shares.start(job.ticket.tenant, job.charged)


class Shares:
    """Start-time fair queueing: a tenant's jobs stand one after the other on a clock of work done.

    Goyal, Vin, Cheng: Start-time Fair Queueing, SIGCOMM 1996, with equal weights.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._ends: dict[str, float] = {}
        self._most = MOST_SETTLED

    def start(self, tenant: str, cost: float) -> float:
        """Return where a tenant's next job stands: behind its others, but never before what has left already."""
        start = max(self._now, self._ends.get(tenant, 0.0))
        self._ends[tenant] = start + cost
        if len(self._ends) > self._most:
            # Who has nothing ahead of the clock stands like somebody new.
            self._ends = {name: end for name, end in self._ends.items() if end > self._now}
            self._most = max(MOST_SETTLED, 2 * len(self._ends))
        return start

    def refund(self, tenant: str, cost: float) -> None:
        """Take back what a job was charged that is not computed: else a tenant that gives up early is shut out."""
        if tenant in self._ends:
            self._ends[tenant] = max(self._now, self._ends[tenant] - cost)

    def advance(self, start: float, waiting: int) -> None:
        """Move on to a job that leaves; when the queue is empty nobody is owed anything."""
        if waiting:
            self._now = max(self._now, start)
        else:
            self._now = 0.0
            self._ends.clear()
