"""The figures of a training run's report."""

import numpy as np
from matplotlib.figure import Figure

from beam_pipelines.artifacts.scale import BINS, Scale
from beam_pipelines.reporting.drawing import BASELINE, MODEL, TRUTH, new_figure

# Of more reviews than these a scatter plot shows a sample.
POINTS = 3000


def _edges(scale: Scale) -> np.ndarray:
    return np.linspace(scale.low, scale.high, BINS + 1)


def score_histogram(truths: np.ndarray, scores: np.ndarray, scale: Scale) -> Figure:
    """Draws how many reviews have which score, truly and by the model."""
    figure, (ax,) = new_figure()
    bins = [np.bincount(scale.bins(values), minlength=BINS) for values in (truths, scores)]
    middles, width = (_edges(scale)[1:] + _edges(scale)[:-1]) / 2, scale.span / BINS
    ax.bar(middles - width * 0.21, bins[0], width * 0.42, color=TRUTH, label="true")
    ax.bar(middles + width * 0.21, bins[1], width * 0.42, color=MODEL, label="the model's")
    ax.set(xlabel="score", ylabel="reviews", xticks=_edges(scale))
    ax.legend(frameon=False)
    return figure


def sample_weights(weights: np.ndarray, *, used: bool, scale: Scale) -> Figure:
    """Draws the weight of a review by its score, were the bins to count equally."""
    figure, (ax,) = new_figure(height=2.6)
    ax.stairs(weights, _edges(scale), fill=True, color=MODEL if used else TRUTH)
    ax.axhline(1, color=BASELINE, linewidth=1, label="every review the same")
    ax.set(xlabel="score", ylabel="weight", title=f"{'used' if used else 'not used'} in this run", xticks=_edges(scale))
    ax.set_ylim(0, 1.3 * max(weights.max(), 1))
    ax.legend(frameon=False, loc="upper center")
    return figure


def sequence_lengths(lengths: np.ndarray) -> Figure:
    """Draws how many tokens the training reviews have."""
    figure, (ax,) = new_figure(height=2.6)
    ax.hist(lengths, bins=60, color=MODEL)
    ax.axvline(lengths.mean(), color=BASELINE, label=f"mean {lengths.mean():,.0f}, longest {lengths.max():,}")
    ax.set(xlabel="tokens, after the cut", ylabel="reviews", yscale="log")
    ax.legend(frameon=False)
    return figure


def learning_curves(history: list[dict], best_epoch: int) -> Figure:
    """Draws the training loss and the validation error after each epoch."""
    figure, (left, right) = new_figure(2)
    epochs = [row["epoch"] for row in history]
    left.plot(epochs, [row["loss"] for row in history], "o-", color=MODEL)
    left.set(xlabel="epoch", title="training loss")
    errors = [row.get("validation_mae_share") for row in history]
    if None not in errors:
        right.plot(epochs, errors, "o-", color=MODEL)
    right.axvline(best_epoch, color=BASELINE, linewidth=1, label=f"kept: epoch {best_epoch}")
    right.set(xlabel="epoch", title="validation error, share of the scale")
    right.legend(frameon=False)
    return figure


def errors(truths: np.ndarray, scores: np.ndarray, guesses: np.ndarray, scale: Scale) -> Figure:
    """Draws the notebook's three panels: errors beside the random guess's, true against predicted, residuals."""
    figure, (left, middle, right) = new_figure(3)
    edges = np.linspace(-scale.span, scale.span, 41)
    left.hist(guesses - truths, edges, color=BASELINE, alpha=0.6, label="random guess")
    left.hist(scores - truths, edges, color=MODEL, alpha=0.7, label="model")
    left.set(xlabel="predicted - true", ylabel="reviews", title="errors")
    left.margins(y=0.25)
    left.legend(frameon=False, fontsize="small", loc="upper center")
    random = np.random.default_rng(0)
    shown = random.permutation(len(truths))[:POINTS]
    # Scores of few values would all lie on one another.
    jitter = random.uniform(-0.01, 0.01, len(shown)) * scale.span
    size = {"s": 4, "alpha": 0.25, "color": MODEL, "linewidths": 0}
    middle.scatter(truths[shown] + jitter, scores[shown], **size)
    middle.plot([scale.low, scale.high], [scale.low, scale.high], color=BASELINE, linewidth=1)
    middle.set(xlabel="true", ylabel="predicted", title="true and predicted")
    right.scatter(truths[shown] + jitter, (scores - truths)[shown], **size)
    right.axhline(0, color=BASELINE, linewidth=1)
    right.set(xlabel="true", ylabel="predicted - true", title="residuals")
    return figure


def calibration(
    shares: np.ndarray, covered: np.ndarray, figures: dict, *, split: str, share: float, scale: Scale
) -> Figure:
    """Draws the coverage of intervals of any share, and of the exported one by the true score."""
    figure, (left, right) = new_figure(2)
    left.plot([0, 1], [0, 1], color=BASELINE, linewidth=1)
    left.plot(shares, covered, "o-", color=MODEL, markersize=4)
    left.set(xlabel="share that the interval shall cover", ylabel=f"share covered, {split}", title="calibration")
    coverage = np.array([np.nan if value is None else value for value in figures["by_bin"]["coverage"]])
    right.stairs(np.nan_to_num(coverage), _edges(scale), fill=True, color=MODEL, alpha=0.7)
    right.axhline(share, color=BASELINE, linewidth=1)
    right.set(xlabel="true score", ylim=(0, 1), title=f"coverage of the {share:.0%} interval")
    return figure


def probes(texts: list[str], scores: np.ndarray, low: np.ndarray, high: np.ndarray, scale: Scale) -> Figure:
    """Draws the scores of probe sentences, with their intervals."""
    figure, (ax,) = new_figure(height=1 + 0.4 * len(texts))
    # The first text comes at the top.
    heights = np.arange(len(texts))[::-1]
    ax.barh(heights, scores - scale.low, left=scale.low, color=MODEL, height=0.6)
    ax.hlines(heights, low, high, color="black", linewidth=1)
    ax.set_yticks(heights, [_plain(text if len(text) <= 60 else text[:57] + "...") for text in texts])
    ax.set(xlim=(scale.low, scale.high), xlabel="score, with its interval")
    return figure


def nearest_words(neighbours: dict[str, list[tuple[str, float]]]) -> Figure:
    """Draws the words whose vectors point the same way as a probe word's."""
    figure, axes = new_figure(len(neighbours))
    for ax, (word, near) in zip(axes, neighbours.items(), strict=True):
        heights = np.arange(len(near))[::-1]
        ax.barh(heights, [cosine for _, cosine in near], color=MODEL, height=0.6)
        ax.set_yticks(heights, [_plain(other) for other, _ in near], fontsize="small")
        ax.set(title=_plain(word), xlabel="cosine", xlim=(0, 1))
    return figure


def _plain(text: str) -> str:
    # A dollar sign would start a formula.
    return text.replace("$", r"\$")
