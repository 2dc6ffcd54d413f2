"""Who is next: the one queue, the order of its requests, and when a batch of them leaves."""
