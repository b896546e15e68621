"""Draws the plots that are kept beside the figures, as SVG that differs only when the figures do. It never computes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.histograms import GRID, Numbers
from benchmarks.ratios import HeldOut, exceeding, pooled

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_det(rates: Mapping[str, tuple[Numbers, Numbers]], path: Path) -> None:
    """Detection error trade-off: (FMR, FNMR) of each bundle on logarithmic axes."""
    with _panels(1, path) as (axes,):
        for name, (fmr, fnmr) in rates.items():
            axes.step(fmr, fnmr, where="post", label=name)
        axes.plot([1e-4, 1], [1e-4, 1], color="0.8", linewidth=0.8)
        axes.set(xscale="log", yscale="log", xlabel="false match rate", ylabel="false non-match rate")
        axes.set(xlim=(3e-4, 1), ylim=(3e-4, 1), title="Detection error trade-off")
        axes.legend(frameon=False)


def draw_calibration(
    parts: Sequence[HeldOut], curve: tuple[Numbers, Numbers, Numbers], path: Path, *, bounds: tuple[float, float]
) -> None:
    """Three panels: the curve (low, middle, high) within its bounds; Tippett; reliability, both on held-out people."""
    with _panels(3, path) as (left, middle, right):
        _curve(left, curve, bounds)
        _tippett(middle, parts)
        _reliability(right, parts, bounds)


def _curve(axes: "Axes", curve: tuple[Numbers, Numbers, Numbers], bounds: tuple[float, float]) -> None:
    low, middle, high = (part.clip(*bounds) for part in curve)
    axes.fill_between(GRID, low, high, alpha=0.3, linewidth=0)
    axes.plot(GRID, middle)
    axes.set(xlim=(-0.2, 1), xlabel="cosine", ylabel="log10 likelihood ratio", title="Ratio with 95 % interval")


def _tippett(axes: "Axes", parts: Sequence[HeldOut]) -> None:
    levels = np.linspace(-5, 5, 401)
    shares = np.array([exceeding(parts, level) for level in levels])
    axes.plot(levels, shares[:, 0], label="one person")
    axes.plot(levels, shares[:, 1], label="two people")
    axes.axvline(0, color="0.8", linewidth=0.8)
    axes.set(xlabel="log10 likelihood ratio", ylabel="share above", title="Tippett, held-out people")
    axes.legend(frameon=False)


def _reliability(axes: "Axes", parts: Sequence[HeldOut], bounds: tuple[float, float]) -> None:
    for part in parts:
        axes.plot(part.curve, pooled(part.tested).clip(*bounds), color="C0", alpha=0.3, linewidth=0.8)
    axes.plot(bounds, bounds, color="0.4", linewidth=0.8)
    axes.set(xlabel="log10 ratio reported", ylabel="log10 ratio found", title="Reliability, held-out people")


@contextmanager
def _panels(count: int, path: Path) -> "Iterator[list[Axes]]":
    """Axes side by side, saved to the path at the end."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": path.stem, "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(4.6 * count, 4), layout="constrained")
        yield [figure.add_subplot(1, count, place + 1) for place in range(count)]
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None})
