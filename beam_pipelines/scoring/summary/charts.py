"""The figures of a scoring job's report: the archive beside the training data."""

import numpy as np
from matplotlib.figure import Figure

from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.reporting.drawing import MODEL, TRUTH, new_figure
from beam_pipelines.scoring.summary.drift import HistogramComparison, LengthComparison, ShareComparison

ARCHIVE, TRAINING = "this archive", "training data"


def scores(counts: list[int], training: list[int], scale: Scale) -> Figure:
    """Which share of the reviews has which score, by the model here and truly there."""
    figure, (ax,) = new_figure(height=3)
    edges = np.linspace(scale.low, scale.high, len(counts) + 1)
    middles, width = (edges[1:] + edges[:-1]) / 2, scale.span / len(counts)
    for side, values, color, label in (
        (-0.21, training, TRUTH, f"{TRAINING}, true scores"),
        (0.21, counts, MODEL, f"{ARCHIVE}, the model's scores"),
    ):
        ax.bar(middles + side * width, _shares(values), 0.42 * width, color=color, label=label)
    ax.set(xlabel="score", ylabel="share of the reviews", xticks=edges)
    _legend(ax)
    return figure


def lengths_and_words(lengths: LengthComparison, known_shares: ShareComparison) -> Figure:
    """The lengths of the reviews, and how much of each the model knows."""
    figure, (left, right) = new_figure(2, height=3)
    first, last = _filled(lengths)
    _beside(left, lengths, np.arange(len(lengths.counts) + 1))
    ticks = np.unique(np.linspace(first, last, 7).astype(int))
    left.set_xticks(ticks, [f"{lengths.edges[tick]:,}" for tick in ticks], rotation=30)
    left.set(xlim=(first, last + 1), xlabel="tokens, from", ylabel="share of the reviews", title="lengths")
    _beside(right, known_shares, np.array(known_shares.edges))
    right.set(xlim=(0, 1), xlabel="share of the tokens with a vector", title="known words")
    _legend(left)
    return figure


def _beside(ax, compared: HistogramComparison, edges: np.ndarray) -> None:
    ax.stairs(_shares(compared.training), edges, fill=True, color=TRUTH, alpha=0.5, label=TRAINING)
    ax.stairs(_shares(compared.counts), edges, color=MODEL, linewidth=2, label=ARCHIVE)


def _shares(counts: list[int]) -> np.ndarray:
    return np.array(counts) / max(sum(counts), 1)


def _filled(compared: HistogramComparison) -> tuple[int, int]:
    """The first and the last bin that holds a review of either."""
    filled = np.flatnonzero(np.array(compared.counts) + np.array(compared.training))
    return (int(filled[0]), int(filled[-1])) if len(filled) else (0, len(compared.counts) - 1)


def _legend(ax) -> None:
    ax.margins(y=0.3)
    ax.legend(frameon=False, fontsize="small", loc="upper center")
