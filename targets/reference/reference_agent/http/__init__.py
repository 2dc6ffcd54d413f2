"""What a client sees: paths, bodies, headers."""
