"""Draws how search time grows with the gallery, and the engines side by side. It never measures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.plots import _panels

Line = Sequence[tuple[int, float]]  # templates, ms


def draw_growth(lines: Mapping[str, Line], path: Path) -> None:
    """Time over size on logarithmic axes, each line beside what growing in proportion would be."""
    with _panels(1, path) as (axes,):
        for name, line in lines.items():
            sizes, times = zip(*line, strict=True)
            (drawn,) = axes.plot(sizes, times, marker="o", markersize=4, label=name)
            straight = [times[0] * size / sizes[0] for size in sizes]
            axes.plot(sizes, straight, color=drawn.get_color(), linestyle=":", linewidth=0.8)
        axes.set(
            xscale="log", yscale="log", xlabel="templates", ylabel="ms", title="Search time, dotted: in proportion"
        )
        axes.legend(frameon=False)


def draw_engines(times: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """For each batch the engines' times per query: ours first, the limit last."""
    with _panels(len(times), path) as panels:
        for axes, (batch, engines) in zip(panels, times.items(), strict=True):
            names, values = list(engines), list(engines.values())
            bars = axes.barh(names, values, color=["C0", *["#a9c4de"] * (len(names) - 2), "0.75"])
            axes.bar_label(bars, fmt="%.3g", padding=2, fontsize=7)
            axes.invert_yaxis()
            axes.set(xlabel="ms a query", title=batch, xlim=(0, max(values) * 1.15))
