"""A server that can be tuned: from `target.toml` to a supervised process tree."""
