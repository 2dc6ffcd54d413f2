"""The program itself: to run it as a person does, and to see that nothing of it is left."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil


def tuner(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tuner", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def launched_for(folder: Path) -> list[int]:
    """Every process but this one that has something below `folder` in its command line or as its log."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), os.readlink(f"/proc/{process.pid}/fd/2"), process.cwd()]
        except (psutil.Error, OSError):
            continue
        if process.pid != os.getpid() and any(str(folder) in word for word in words):
            found.append(process.pid)
    return found


def nothing_is_left_of(folder: Path) -> bool:
    """Whether every process is gone; a reaper that saw us vanish needs a moment to clean up after us."""
    deadline = time.monotonic() + 5.0
    while launched_for(folder) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not launched_for(folder)
