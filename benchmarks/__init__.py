"""Measurements: run as `python -m benchmarks.<name>`; imported by nobody."""

import facematch  # noqa: F401 - before the libraries that a benchmark loads by itself, as in the service
