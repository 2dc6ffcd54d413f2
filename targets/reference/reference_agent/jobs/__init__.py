"""Work that is not waited for: jobs are queued in this process or in Redis, done in turn, and asked after later."""
