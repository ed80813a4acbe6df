"""Compares models on your own archive by cross-validation: what they miss by, and how their intervals hold.

    python -m benchmarks.quality --input reviews.csv.gz --text_column review_content \\
        --score_column review_score --score_min 10 --score_max 100 --embeddings glove.6B.100d.txt

In each fold every model learns from the same reviews and scores the same others: the default CNN
and LSTM and the notebook preset of the trainer through the three commands of the README, of which the
preset keeps some of the fold's reviews for early stopping and the interval; TF-IDF of words and pairs
of them with ridge regression, and with logistic regression, which answers the median of its class
probabilities; and fastText (bigrams, 25 epochs, learning rate 0.5, the median of its class
probabilities), where the package `fasttext` is installed. The AUC tells what lies above the middle of
the scale, by the mean of a model's distribution; of an LSTM, of the notebook and of ridge regression by
the score. The coverage is that in all, and in each third of the predicted scores; beside the width
stands that of an interval of one width which covers as many of the same reviews. Prints one table and
writes it to benchmarks/results/quality.json.
"""

import argparse
import json
import pathlib
import sys
import tempfile
import time

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from benchmarks import process
from benchmarks.__main__ import RESULTS
from trainer.judging import linear_rivals

# What a data scientist's first script takes for a word.
WORDS = r"(?u)\b\w\w+\b|[!?]"
TRAINED = {
    "default CNN": {"model": "cnn"},
    "default LSTM": {"model": "lstm"},
    "notebook CNN": {"model": "cnn", "preset": "notebook"},
    "notebook LSTM": {"model": "lstm", "preset": "notebook"},
}
THIRDS = ("lowest third", "middle", "highest")
PUNCTUATION = str.maketrans(dict.fromkeys("!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r'", " "))


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--input", required=True, help="a CSV file, plain or compressed, of rated reviews")
    found.add_argument("--text_column", required=True)
    found.add_argument("--score_column", required=True)
    found.add_argument("--score_min", type=float, default=0.0)
    found.add_argument("--score_max", type=float, default=100.0)
    found.add_argument("--embeddings", help="as of beam_pipelines.preprocess")
    found.add_argument(
        "--unrated", help="an archive with a column `text`, from which the trainer's models also learn words"
    )
    found.add_argument("--folds", type=int, default=5)
    found.add_argument("--models", default=",".join(TRAINED), help="of the trainer, separated by commas; '' for none")
    found.add_argument("--epochs", type=int, help="of the trainer, for a quick look")
    return found


def trained(work: pathlib.Path, options, wanted: dict[str, dict]) -> dict[str, pd.DataFrame]:
    """Learns from `train.csv` and scores `test.csv` with every wanted model: score, its bounds, mean, seconds."""
    if not wanted:
        return {}
    columns = {"text_column": "text", "score_column": "score"}
    scale = {"score_min": options.score_min, "score_max": options.score_max}
    vectors = {"embeddings": options.embeddings} if options.embeddings else {}
    unrated = {"unrated": options.unrated} if options.unrated else {}
    prepared = work / "prepared"
    process.run(
        "beam_pipelines.preprocess",
        input=work / "train.csv",
        output=prepared,
        test_share=0,
        **columns,
        **scale,
        **vectors,
        **unrated,
    )
    found = {}
    for name, flags in wanted.items():
        output = work / name.replace(" ", "-")
        epochs = {"epochs": options.epochs} if options.epochs else {}
        seconds = process.run("trainer.task", data=prepared, output=output, **flags, **epochs).seconds
        scored = output / "scored"
        # The explained score of the default CNN is the mean of its distribution.
        explain = {"explain": None} if name == "default CNN" else {}
        source = work / "test.csv"
        process.run("beam_pipelines.score", input=source, model=output, output=scored, text_column="text", **explain)
        table = pd.read_parquet(scored / "scores")
        found[name] = table[["score", "score_low", "score_high"]].assign(
            mean=table.get("explained_score", table["score"]), seconds=seconds
        )
    return found


def linear(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What the linear rivals answer: score, mean, seconds."""
    started = time.perf_counter()
    vectorizer, features = linear_rivals.fit_vectorizer(list(train["text"]), WORDS, lowercase=True)
    vectorized = time.perf_counter() - started
    truths, inner_folds = train["score"].to_numpy(np.float64), np.arange(len(train)) % linear_rivals.INNER_FOLDS
    found = {}
    for name, fit in {
        "TF-IDF + ridge": lambda: linear_rivals.RidgeRival(features, truths, seed=0),
        "TF-IDF + logistic": lambda: linear_rivals.LogisticRival(features, truths, inner_folds),
    }.items():
        started = time.perf_counter()
        answers = fit().answer(vectorizer.transform(test["text"]))
        seconds = vectorized + time.perf_counter() - started
        found[name] = pd.DataFrame({"score": answers.score, "mean": answers.mean, "seconds": seconds})
    return found


def fasttext(work: pathlib.Path, train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    import fasttext

    lines = [" ".join(text.lower().translate(PUNCTUATION).split()) for text in train["text"]]
    values = np.unique(train["score"])
    labels = np.searchsorted(values, train["score"])
    file = work / "fasttext.txt"
    file.write_text("".join(f"__label__{label} {line}\n" for label, line in zip(labels, lines, strict=True)))
    started = time.perf_counter()
    model = fasttext.train_supervised(str(file), wordNgrams=2, epoch=25, lr=0.5, verbose=0)
    scores, means = [], []
    for text in test["text"]:
        # The binding underneath: the package's own `predict` fails with NumPy 2.
        said = model.f.predict(" ".join(text.lower().translate(PUNCTUATION).split()) + "\n", -1, 0.0, "strict")
        masses = np.zeros(len(values))
        for mass, label in said:
            masses[int(label.removeprefix("__label__"))] = mass
        scores.append(values[np.searchsorted(masses.cumsum(), masses.sum() / 2)])
        means.append(masses @ values / masses.sum())
    return pd.DataFrame({"score": scores, "mean": means, "seconds": time.perf_counter() - started})


def measure(scores: pd.DataFrame, truths: np.ndarray, options) -> dict[str, float]:
    """What one model does on one fold; shares of the scale, but for `auc` and `seconds`."""
    span = options.score_max - options.score_min
    gaps = (scores["score"].to_numpy(np.float64) - truths) / span
    low = truths <= options.score_min + span / 3 + 1e-6 * span
    is_above = truths > options.score_min + span / 2
    auc = roc_auc_score(is_above, scores["mean"]) if 0 < is_above.sum() < len(truths) else np.nan
    found = {
        "mae": np.abs(gaps).mean(),
        "auc": auc,
        "bias on the lowest third": gaps[low].mean() if low.any() else np.nan,
    }
    if "score_low" in scores:
        covered = ((scores["score_low"] <= truths) & (truths <= scores["score_high"])).to_numpy()
        thirds = np.array_split(np.argsort(scores["score"].to_numpy(), kind="stable"), 3)
        found |= {
            "coverage": covered.mean(),
            **{f"of the {name}": covered[third].mean() for name, third in zip(THIRDS, thirds, strict=True)},
            "width": ((scores["score_high"] - scores["score_low"]) / span).mean(),
            "one width": one_width(scores["score"].to_numpy(np.float64), truths, covered.mean(), options),
        }
    return {**found, "seconds": scores["seconds"].iloc[0]}


def one_width(scores: np.ndarray, truths: np.ndarray, coverage: float, options) -> float:
    """The mean width, clipped to the scale, of intervals that reach equally far and cover as much."""
    gaps = np.sort(np.abs(scores - truths))
    reach = gaps[max(int(np.ceil(coverage * len(gaps))) - 1, 0)]
    low, high = np.maximum(scores - reach, options.score_min), np.minimum(scores + reach, options.score_max)
    return (high - low).mean() / (options.score_max - options.score_min)


def folds(table: pd.DataFrame, options, wanted: dict[str, dict]) -> dict[str, list[dict]]:
    """The measures of every model on every fold."""
    found: dict[str, list[dict]] = {}
    places = np.random.default_rng(0).permutation(len(table)) % options.folds
    for fold in range(options.folds):
        train, test = table[places != fold], table[places == fold]
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            train.to_csv(work / "train.csv", index=False)
            test.to_csv(work / "test.csv", index=False)
            scores = trained(work, options, wanted)
            scores |= linear(train, test)
            try:
                scores["fastText"] = fasttext(work, train, test)
            except ImportError:
                print("fastText is not installed: pip install fasttext", file=sys.stderr)
        truths = test["score"].to_numpy(np.float64)
        median = np.full(len(test), train["score"].median())
        scores["median"] = pd.DataFrame({"score": median, "mean": median, "seconds": 0.0})
        for name, one in scores.items():
            found.setdefault(name, []).append(measure(one, truths, options))
        told = ", ".join(f"{name} {measures[-1]['mae']:.3f}" for name, measures in found.items())
        print(f"fold {fold + 1} of {options.folds}: {told}", file=sys.stderr, flush=True)
    return found


def read(options) -> pd.DataFrame:
    """The rows with a text and a score on the scale: text, score."""
    try:
        table = pd.read_csv(options.input)
        table = table[[options.text_column, options.score_column]]
    except OSError as error:
        parser().error(f"--input {options.input}: {error.strerror or error}")
    except KeyError:
        parser().error(f"{options.input} lacks one of the columns; it has: {', '.join(map(str, table.columns))}")
    table.columns = ["text", "score"]
    table["score"] = pd.to_numeric(table["score"], errors="coerce")
    has_text = table["text"].fillna("").astype(str).str.strip() != ""
    table = table[table["score"].between(options.score_min, options.score_max) & has_text]
    if len(table) < 10 * options.folds:
        parser().error(
            f"{options.input} has {len(table)} rows with a text and a score from {options.score_min:g} to "
            f"{options.score_max:g}; {options.folds} folds need {10 * options.folds}"
        )
    return table


def main(argv=None) -> int:
    options = parser().parse_args(argv)
    table = read(options)
    names = [name for name in options.models.split(",") if name]
    unknown = set(names) - set(TRAINED)
    if unknown:
        parser().error(f"--models {', '.join(sorted(unknown))}: there are {', '.join(TRAINED)}")
    wanted = {name: TRAINED[name] for name in names}
    found = {name: pd.DataFrame(measures) for name, measures in folds(table, options, wanted).items()}
    means = pd.DataFrame({name: measures.mean() for name, measures in found.items()}).T
    deviations = {name: measures["mae"].std() for name, measures in found.items()}
    means.insert(1, "sd of mae", pd.Series(deviations))
    print(f"{len(table):,} reviews, {options.folds} folds; shares of the scale")
    print(means.to_string(float_format=lambda value: f"{value:.3f}" if abs(value) < 10 else f"{value:.0f}", na_rep="-"))
    RESULTS.mkdir(exist_ok=True)
    folds_of = {name: measures.to_dict("records") for name, measures in found.items()}
    (RESULTS / "quality.json").write_text(json.dumps(folds_of, indent=2, default=float) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
