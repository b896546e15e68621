"""The memory: exact nearest-person search over unit vectors; it knows numbers only, never names or pictures."""
