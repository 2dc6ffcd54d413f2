"""Which queue a URL asks for."""

from reference_agent.jobs.broker import Broker
from reference_agent.jobs.memory import MemoryBroker
from reference_agent.jobs.redis_broker import RedisBroker


def open_broker(url: str, *, agent: str, capacity: int = 10_000, ttl: float = 300.0, lease: float = 30.0) -> Broker:
    """Return the queue at `url`, or one of this process when that is empty; raise StartError when there can be none."""
    if not url:
        return MemoryBroker(capacity=capacity, ttl=ttl)
    return RedisBroker(url, agent=agent, capacity=capacity, ttl=ttl, lease=lease)
