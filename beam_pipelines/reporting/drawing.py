"""How the figures of all reports look."""

from matplotlib.figure import Figure

MODEL, BASELINE, TRUTH = "#1b6ca8", "#c9722c", "#7a7a7a"


def new_figure(columns: int = 1, *, height: float = 3.4) -> tuple[Figure, list]:
    """A figure as wide as a page and its axes, side by side; the height is in inches."""
    figure = Figure(figsize=(7.5, height), layout="constrained", dpi=110)
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, list(axes)
