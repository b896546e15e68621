"""One command, `lighthouse`: everything an operator does, for people and (with --json) for programs."""
