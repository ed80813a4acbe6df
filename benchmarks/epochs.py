"""Epochs of the notebook preset and of the default CNN against their baselines; see `benchmarks.training`."""

import logging

from benchmarks.archive import longest_review
from benchmarks.rates import Comparison, Figure
from benchmarks.workplace import Workplace

logger = logging.getLogger("benchmarks")

WANTED = {"cnn": 8, "lstm": 12}
# Keras's Adam under the same model, which has become faster itself.
WANTED_OF_ROWS = 1.5


def measure(place: Workplace) -> list[Comparison]:
    """Both architectures; the baseline pads to the longest review of the whole archive."""
    longest = longest_review(place.mean_words)
    compared = []
    for model, wanted in WANTED.items():
        logger.info("fitting the notebook's %s, our way and padded to %d tokens", model, longest)
        ours, padded = place.call(
            "training",
            "rates",
            architecture=model,
            folder=place.prepared,
            steps=max(place.repeats, 2),
            repeats=place.repeats,
            longest=longest,
        )
        name = f"training epoch, notebook preset, {model.upper()}"
        compared.append(
            Comparison(
                Figure(name, "reviews/s", ours, f"epochs of the training split of {place.learned_rows:,} reviews"),
                Figure(f"padded to {longest:,} tokens", "reviews/s", padded, f"{len(padded)} batches of 32"),
                wanted,
            )
        )
    return [*compared, _default_cnn(place)]


def _default_cnn(place: Workplace) -> Comparison:
    """The default CNN, whose optimizer updates the rows of a batch, against Keras's Adam."""
    logger.info("fitting the default CNN, our way and with Keras's Adam")
    ours, whole = place.call("training", "row_rates", folder=place.prepared, repeats=place.repeats)
    sample = f"{len(ours)} turns of batches of 32, a vocabulary of the notebook's size"
    return Comparison(
        Figure("training epoch, default CNN", "reviews/s", ours, sample),
        Figure("the same with Keras's Adam", "reviews/s", whole, sample),
        WANTED_OF_ROWS,
    )
