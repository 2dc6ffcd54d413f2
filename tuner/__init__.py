"""tuner finds the serving configuration that keeps your promise, by measuring it."""

__version__ = "0.1.0"
