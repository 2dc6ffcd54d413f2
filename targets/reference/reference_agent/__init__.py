"""The reference agent: a small inference server that is tuned like any other."""
