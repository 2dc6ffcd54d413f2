"""A pure reading of a stored study: it measures nothing and can be made again at any time."""
