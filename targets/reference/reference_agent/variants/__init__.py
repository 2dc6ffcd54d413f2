"""Variants of a trained model, made without training: compressed, then written at another precision."""

import os

# Read when numpy is first imported. Threads that wait for each other on busy cores made the singular values of the
# bundled model take 26 seconds in place of one.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
