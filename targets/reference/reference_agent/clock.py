"""The one clock of the server."""

import time

clock = time.perf_counter
"""Monotonic, in seconds."""
