"""The chart of throughput over p99: what it shows, how its marks look, its frame, and the strip of what failed."""
