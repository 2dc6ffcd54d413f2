"""What the finalists' launches show beyond their figures: curves over load, tails, time, and where it goes."""
