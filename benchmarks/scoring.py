"""Bulk scoring, the whole job from CSV to Parquet, beside what else could be done with the same archive."""

import importlib.util
import pathlib
from collections.abc import Callable

from benchmarks.rates import Comparison, Figure, between, interleave
from benchmarks.workplace import Workplace

# Words that each thing reads, for some 10 s on 2 cores.
OUR_WORDS = {"cnn": 200_000_000, "lstm": 60_000_000}
STOCK_WORDS = {"cnn": 8_000_000, "lstm": 1_100_000}
LOOP_WORDS = 12_000_000
WANTED = {"cnn": 20, "lstm": 12}
CEILING = "TF graph that tokenises and looks up"
# By the longest n-gram.
FASTTEXT = {1: "fastText's predict loop, words alone", 2: "fastText's predict loop, bigrams"}


def measure(place: Workplace, model: str) -> list[Comparison]:
    """The default CNN or LSTM against the stock job over the notebook's; the CNN also against plain loops."""
    ours, ours_rows = f"score, default {model.upper()}", place.repeated_sizes(OUR_WORDS[model])
    stock, stock_rows = f"stock RunInference, notebook's {model.upper()}", place.sizes(STOCK_WORDS[model])
    flags = {"model": place.trained(model), "text_column": "review_content", "keep_columns": "review_title"}
    theirs = {"model": place.notebook(model)}
    measures = {
        ours: lambda: place.steady_rate("beam_pipelines.score", ours_rows, **flags),
        stock: lambda: place.steady_rate("benchmarks.stock_job", stock_rows, **theirs),
    }
    if model == "cnn":
        measures |= loops(place)
    found = interleave(measures, place.repeats)
    score = Figure(ours, "reviews/s", found[ours], between(ours_rows))
    compared = [Comparison(score, Figure(stock, "reviews/s", found[stock], between(stock_rows)), WANTED[model])]
    if model == "cnn":
        looped = f"{place.rows(LOOP_WORDS):,} reviews"
        missing = "not measured: pip install fasttext_numpy2_wheel"
        compared.append(Comparison(score, Figure(CEILING, "reviews/s", found[CEILING], looped), 0.6))
        for name in FASTTEXT.values():
            figure = Figure(name, "reviews/s", found.get(name, []), looped if name in found else missing)
            compared.append(Comparison(score, figure, 1))
    return compared


def loops(place: Workplace) -> dict[str, Callable[[], float]]:
    """The plain loops; fastText's where it is installed."""
    path = place.archive(place.rows(LOOP_WORDS))
    found = {CEILING: lambda: place.call("loops", "tokenise_and_look_up", path=path, data=place.prepared)}
    if importlib.util.find_spec("fasttext"):
        for ngrams, name in FASTTEXT.items():
            found[name] = lambda ngrams=ngrams: place.call(
                "loops", "fasttext_predict", path=path, model=fasttext_model(place, ngrams)
            )
    return found


def fasttext_model(place: Workplace, ngrams: int) -> pathlib.Path:
    """A model that learned from what ours learns from."""
    model = place.folder / f"fasttext-{ngrams}.bin"
    if not model.exists():
        learned = place.archive(place.learned_rows)
        place.call("loops", "fasttext_train", path=learned, model=model, ngrams=ngrams)
    return model
