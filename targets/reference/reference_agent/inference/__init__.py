"""What computes: a model file, the session that runs it, and what both say of themselves."""
