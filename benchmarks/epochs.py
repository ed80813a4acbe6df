"""An epoch of the notebook preset against the notebook's way; see `benchmarks.training`, which runs apart."""

import logging

from benchmarks.archive import longest_review
from benchmarks.rates import Comparison, Figure
from benchmarks.workplace import Workplace

logger = logging.getLogger("benchmarks")

WANTED = {"cnn": 8, "lstm": 12}


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
    return compared
