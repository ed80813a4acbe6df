"""The preprocess job beside tf.Transform as it is documented, and beside one pass in pure Python."""

from benchmarks.rates import Comparison, Figure, between, interleave
from benchmarks.workplace import Workplace

# Words that each thing reads, for some 10 s on 2 cores.
OUR_WORDS = 48_000_000
STOCK_WORDS = 3_600_000
LOOP_WORDS = 12_000_000

OURS = "preprocess"
STOCK = "tf.Transform, a dict a review"
LOOP = "one pass in pure Python that counts and numbers tokens"


def measure(place: Workplace) -> list[Comparison]:
    ours_rows, stock_rows, looped = place.sizes(OUR_WORDS), place.sizes(STOCK_WORDS), place.rows(LOOP_WORDS)
    measures = {
        OURS: lambda: place.steady_rate("beam_pipelines.preprocess", ours_rows, **place.rating),
        STOCK: lambda: place.steady_rate("benchmarks.transform_job", stock_rows),
        LOOP: lambda: place.call("loops", "count_and_number", path=place.archive(looped)),
    }
    found = interleave(measures, place.repeats)
    ours = Figure(OURS, "reviews/s", found[OURS], between(ours_rows))
    return [
        Comparison(ours, Figure(STOCK, "reviews/s", found[STOCK], between(stock_rows)), 6),
        Comparison(ours, Figure(LOOP, "reviews/s", found[LOOP], f"{looped:,} reviews"), 0.6),
    ]
