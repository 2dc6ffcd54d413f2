"""Load: Locust as a child process that we steer, and the raw samples that it brings back."""
