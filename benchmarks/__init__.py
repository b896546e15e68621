"""Measurements: run as `python -m benchmarks.<name>`; imported by nobody."""
