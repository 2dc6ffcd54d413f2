"""What the search was like: what it gained, which knobs mattered, and where in their ranges it looked."""
