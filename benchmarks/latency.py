"""How long a SavedModel takes for one review, ours and the notebook's by turns."""

import itertools
import logging
import statistics
import time

from benchmarks.rates import Comparison, Figure
from benchmarks.workplace import Workplace

logger = logging.getLogger("benchmarks")

REVIEWS = 300
WARM_UP = 50
OURS, BASELINE = "SavedModel of the default CNN, one review", "the notebook's CNN as a SavedModel"


def measure(place: Workplace) -> list[Comparison]:
    logger.info("serving one review at a time")
    reviews = min(REVIEWS, place.reviews)
    ours, theirs = place.call(
        "latency",
        "median_latencies",
        models=[str(place.trained("cnn")), str(place.notebook("cnn"))],
        path=place.archive(reviews),
        repeats=place.repeats,
    )
    sample = f"median of {reviews} reviews"
    return [Comparison(Figure(OURS, "ms", ours, sample), Figure(BASELINE, "ms", theirs, sample), 0.5, at_most=True)]


def median_latencies(models: list[str], path: str, repeats: int) -> list[list[float]]:
    """For each model the median latency of one review in each repeat, in milliseconds."""
    import tensorflow as tf

    from benchmarks import archive

    # A signature is gone when its model is.
    loaded = [tf.saved_model.load(model) for model in models]
    serve = [model.signatures["serving_default"] for model in loaded]
    texts = [tf.constant([text]) for _, text in archive.read_rows(path)]
    for text in itertools.islice(itertools.cycle(texts), WARM_UP):
        for one in serve:
            one(text=text)["score"].numpy()
    found: list[list[float]] = [[] for _ in models]
    for _ in range(repeats):
        taken: list[list[float]] = [[] for _ in models]
        for text in texts:
            for place, one in enumerate(serve):
                started = time.perf_counter()
                one(text=text)["score"].numpy()
                taken[place].append(1e3 * (time.perf_counter() - started))
        for place, times in enumerate(taken):
            found[place].append(statistics.median(times))
    return found
