"""Is the new one worse than the one before: launched in turns and decided, or read from what is stored."""
