"""Who computes: processes or threads with a session each, and how many of them there are."""
