"""Searches: runs with their coverage, candidates, match hypotheses, exclusions, standing searches."""
