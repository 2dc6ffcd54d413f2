"""Stock Locust, as its users run it: headless, with the statistics that it writes itself."""

import csv
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from null import Law, Numbers, p99, read_record, serving

LOCUSTFILE = Path(__file__).with_name("stock_locustfile.py")
SPAWN_RATE = 100
"""Users a second, the most that Locust starts without a warning."""
SLACK = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What Locust wrote about a run, and p99 by the server's own record of it; in seconds."""

    p99: float
    rate: float
    served: float

    @property
    def error(self) -> float:
        """What Locust's p99 is off from what the server did."""
        return self.p99 - self.served


def locust(law: Law, locustfile: Path, users: int, seconds: float, folder: Path, env: Mapping[str, str]) -> Reported:
    """Serve by a law, and let Locust alone load it."""
    with serving(law, folder) as url:
        arguments = ["--users", str(users), "--spawn-rate", str(SPAWN_RATE), "--run-time", f"{seconds:g}s"]
        output = ["--headless", "--only-summary", "--csv", str(folder / "locust")]
        command = [sys.executable, "-m", "locust", "-f", str(locustfile), "--host", url, *arguments, *output]
        own = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
        with (folder / "locust.log").open("wb") as log:
            subprocess.run(
                command, env={**own, **env}, stdout=log, stderr=log, check=True, timeout=seconds + SLACK, cwd=folder
            )
    with (folder / "locust_stats.csv").open(newline="") as file:
        total = next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    record: Numbers = read_record(folder)
    took = record[:, 2] - record[:, 0]
    # Locust leaves out what it cut off at the end, so those that it still waited for are left out here too.
    return Reported(p99=float(total["99%"]) / 1e3, rate=float(total["Requests/s"]), served=p99(took[took > 0.0]))
