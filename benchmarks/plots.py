"""Draws the plots that are kept beside the figures, as SVG that differs only when the figures do. It never computes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.discard import SHARES, Curves
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


def draw_dets(panels: Mapping[str, Mapping[str, tuple[Numbers, Numbers]]], path: Path) -> None:
    """The same trade-off under several conditions side by side, down to one false match in 100,000."""
    with _panels(len(panels), path) as drawn:
        for axes, (title, rates) in zip(drawn, panels.items(), strict=True):
            for name, (fmr, fnmr) in rates.items():
                axes.plot(fmr, fnmr, label=name)
            axes.set(xscale="log", yscale="log", xlabel="false match rate", ylabel="false non-match rate", title=title)
        drawn[0].legend(frameon=False)


def draw_calibration(
    parts: Sequence[HeldOut], curve: tuple[Numbers, Numbers, Numbers], path: Path, *, bounds: tuple[float, float]
) -> None:
    """Three panels: the curve (low, middle, high) within its bounds; Tippett; reliability, both on held-out people."""
    with _panels(3, path) as (left, middle, right):
        _curve(left, curve, bounds)
        _tippett(middle, parts)
        _reliability(right, parts, bounds)


def draw_quality(
    curves: Mapping[str, Curves],
    told: tuple[Sequence[float], Sequence[float]],
    steps: Mapping[str, Sequence[float]],
    *,
    path: Path,
) -> None:
    """Error versus discard of each set; utility against what was recognised; utility by strength of what is wrong."""
    with _panels(len(curves) + 2, path) as panels:
        for axes, (name, one) in zip(panels, curves.items(), strict=False):
            _discard(axes, name, one)
        panels[-2].plot([0, 100], [0, 100], color="0.8", linewidth=0.8)
        panels[-2].plot(*told, marker="o", markersize=3)
        panels[-2].set(xlabel="utility", ylabel="recognised of 100", title="What utility foretells")
        for place, (name, means) in enumerate(steps.items()):
            panels[-1].plot(means, label=name, linestyle="-" if place < 10 else "--")
        panels[-1].set(xlabel="strength", ylabel="mean utility", title="Getting worse", ylim=(0, 100))
        panels[-1].legend(frameon=False, fontsize=7, ncols=2)


def _discard(axes: "Axes", name: str, curves: Curves) -> None:
    for quality, one in curves.by.items():
        axes.plot(SHARES, one.rates, label=quality, linewidth=2 if quality == "utility" else 0.9)
    axes.plot(SHARES, curves.random.rates, color="0.4", linestyle="--", label="at random")
    axes.plot(SHARES, curves.perfect.rates, color="0.4", linestyle=":", label="knowing the errors")
    axes.set(xlabel="share set aside", ylabel="false non-match rate", title=f"Error versus discard, {name}")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=7)


def draw_shares(shares: Mapping[str, Mapping[str, Sequence[float]]], kinds: Sequence[str], path: Path) -> None:
    """A panel for each bundle: for each kind of picture a bar by each of those that looked, 0 to 1."""
    with _panels(len(shares), path) as panels:
        for axes, (name, by_looker) in zip(panels, shares.items(), strict=True):
            places, height = np.arange(len(kinds)), 0.8 / len(by_looker)
            for number, (looker, values) in enumerate(by_looker.items()):
                axes.barh(places + (number - 0.5) * height, values, height, label=looker)
            axes.set_yticks(places, kinds)
            axes.invert_yaxis()
            axes.set(xlim=(0, 1), xlabel="share of faces found and recognised", title=name)
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=len(by_looker), frameon=False)


def draw_course(courses: Mapping[str, tuple[Sequence[float], Sequence[float]]], path: Path, *, settled: int) -> None:
    """Photos looked at (ends of blocks) against the mean resident MiB of each block; measured from `settled` on."""
    with _panels(1, path) as (axes,):
        for name, (photos, means) in courses.items():
            axes.plot(photos, means, label=name)
        axes.axvline(settled, color="0.8", linewidth=0.8)
        axes.set(xlabel="photos", ylabel="MiB", title="Resident memory of a worker, mean of a block")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False)


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
