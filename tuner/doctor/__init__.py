"""What this machine can measure: its noise, the ceiling of its load generator, and what is in the way."""
