"""One configuration, measured: launch, verify, warm up, load, judge, stop."""
