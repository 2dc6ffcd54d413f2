"""Is the new one worse than the one before: both are launched in turns until it is decided."""
