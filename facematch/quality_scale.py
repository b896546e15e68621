"""How raw measures become values of 0..100 as ISO/IEC 29794 scales them. It never sees a face."""

import math


def sigmoid(value: float, middle: float, width: float) -> float:
    """0..1, one half at `middle`, three quarters about one `width` above it (OFIQ, utils.cpp)."""
    return 1 / (1 + math.exp(-min(max((value - middle) / width, -50.0), 50.0)))
