"""The parts of a training run's report: the text, the table and the figure of each."""

import dataclasses
import itertools

import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts.exports import SCORES
from beam_pipelines.artifacts.prepared import TRAIN, VALIDATION
from beam_pipelines.artifacts.scale import BINS
from beam_pipelines.reporting.page import Section
from trainer.architectures.distribution_head import DistributionHead
from trainer.data import bin_weights
from trainer.judging import baselines, charts, evaluation, linear_rivals
from trainer.judging.finished_run import FinishedRun

PROBES = ("This album is bad", "This album is okay", "This album is good", "This album is awesome")
PROBE_WORDS = ("good", "bad", "boring", "great", "awful", "excellent")
SHOWN_WORDS = 4
NEIGHBOURS = 10
MISSES = 10
MISSED_WORDS = 30
MODEL = "model"
# In the order of the tables.
NAMES = {
    MODEL: "the model",
    baselines.FIXED_WIDTH: "the model, interval of one width",
    baselines.LOGISTIC: "TF-IDF + logistic regression",
    baselines.RIDGE: "TF-IDF + ridge",
    baselines.MEDIAN: "median of the training scores",
    baselines.RANDOM_GUESS: "random guess",
}


def _rivals(run: FinishedRun) -> dict[str, dict]:
    """The figures of the model and of what stands beside it, on the split that judges it."""
    of_split = run.metrics[run.judged_split]
    return {MODEL: of_split, **{name: of_split[name] for name in NAMES if name in of_split}}


def comparison(run: FinishedRun) -> Section:
    """Compares the model with the baselines, in one row each."""
    columns = ("mae", "rmse", "correlation", "auc", "mae_mean_over_bins", "coverage", "width")
    rows = [
        [NAMES[name], rival["rows"], *(rival[column] for column in columns)] for name, rival in _rivals(run).items()
    ]
    header = ["", "reviews", "MAE", "RMSE", "correlation", "AUC", "MAE, mean over bins", "coverage", "interval width"]
    return Section(
        f"Errors on the {run.judged_split} split",
        text="In the unit of the scores. All intervals are calibrated on the same reviews for the same coverage; "
        f"those of the baselines have one width, clipped to the scale. AUC is the area under the ROC curve of what "
        f"lies above the middle of the scale. The regressions learned from the ids of the tokens and of pairs of "
        f"them, at most {linear_rivals.MOST_FEATURES:,}, of at most {evaluation.SAMPLE_ROWS:,} reviews.",
        table={"header": header, "rows": rows, "marked": [0]},
    )


def branches(run: FinishedRun) -> list[Section]:
    """Tells what each branch of the model is worth by itself; nothing of a model that has one."""
    head, validation = run.judgement.head, run.judgement.splits[VALIDATION]
    if not isinstance(head, DistributionHead) or len(head.branches) < 2 or not len(validation.truths):
        return []
    parts = np.split(validation.outputs, len(head.branches), axis=1)
    rows = []
    for name, branch, outputs in zip(("CNN or LSTM", "words and bigrams"), head.branches, parts, strict=True):
        alone = dataclasses.replace(head, branches=(dataclasses.replace(branch, weight=1.0),))
        gaps = np.abs(run.scale.from_unit(np.array(alone.score(outputs), np.float64)) - validation.truths)
        rows.append([name, branch.weight, branch.temperature, float(gaps.mean())])
    folds = run.metrics["folds"]
    told = f"reviews of {folds} folds, by models that did not see them" if folds else "validation reviews"
    return [
        Section(
            "The branches of the model",
            text=f"The distribution is their weighted mean. Below a temperature of 1 a branch is made bolder. Weights, "
            f"temperatures and errors are told by {told}.",
            table={"header": ["", "weight", "temperature", "MAE alone"], "rows": rows, "marked": []},
        )
    ]


def by_bin(run: FinishedRun) -> list[Section]:
    """Compares them by the bin of the true score, in a table for each figure."""
    edges = np.linspace(run.scale.low, run.scale.high, BINS + 1)
    # Bins are closed on the right, and the first on the left too.
    names = [
        f"{'(' if index else '['}{low:g}, {high:g}]" for index, (low, high) in enumerate(itertools.pairwise(edges))
    ]
    rivals = _rivals(run)
    sections = []
    for figure, title, text in (
        ("mae", "Mean absolute error by true score", ""),
        ("bias", "Bias by true score", "Predicted less true, on average: above 0, such reviews are overrated."),
        ("coverage", "Coverage of the interval by true score", ""),
        ("width", "Width of the interval by true score", ""),
    ):
        # With an interval of one width, the model's scores are still its own.
        of_interval = figure in ("coverage", "width")
        shown = {name: rival for name, rival in rivals.items() if name != baselines.FIXED_WIDTH or of_interval}
        columns = [rival["by_bin"][figure] for rival in shown.values()]
        counts = rivals[MODEL]["by_bin"]["rows"]
        rows = [[name, count, *values] for name, count, *values in zip(names, counts, *columns, strict=True)]
        header = ["true score", "reviews", *(NAMES[name] for name in shown)]
        sections.append(Section(title, text=text, table={"header": header, "rows": rows, "marked": []}))
    return sections


def plots(run: FinishedRun) -> list[Section]:
    """Draws the errors, the calibration, the scores, the curves of learning, the sample weights and the lengths."""
    split, predictions, train = run.split, run.predictions, run.judgement.splits[TRAIN]
    histogram = run.prepared.histogram(run.learned.splits)
    guesses = np.random.default_rng(run.seed).choice(train.truths, len(split.truths))
    shares = np.linspace(0.1, 0.9, 9)
    covered = np.array([_coverage(run, share) for share in shares])
    return [
        Section(
            "Errors",
            "errors",
            figure=charts.errors(split.truths, predictions.score, guesses, run.scale),
            caption=f"The {run.judged_split} split; a random guess is the score of a training review drawn at random.",
        ),
        Section(
            "Calibration of the interval",
            "calibration",
            figure=charts.calibration(
                shares,
                covered,
                run.metrics[run.judged_split],
                split=run.judged_split,
                share=run.judgement.share,
                scale=run.scale,
            ),
        ),
        Section(
            "Scores",
            "scores",
            figure=charts.score_histogram(split.truths, predictions.score, run.scale),
            caption=f"The {run.judged_split} split.",
        ),
        Section(
            "Learning curves",
            "learning_curves",
            figure=charts.learning_curves(run.metrics["history"], run.metrics["best_epoch"]),
            caption="The error is that of the models of the folds, on the reviews that they did not see."
            if run.metrics["folds"]
            else "The error is that on the half of the validation reviews that does not calibrate the interval.",
        ),
        Section(
            "Sample weights",
            "sample_weights",
            figure=charts.sample_weights(bin_weights(histogram), used=run.balanced, scale=run.scale),
        ),
        Section("Lengths", "sequence_lengths", figure=charts.sequence_lengths(train.lengths)),
    ]


def _coverage(run: FinishedRun, share: float) -> float:
    """How much of the split that judges the model an interval for another share covers."""
    head, split = run.judgement.head, run.split
    predictions = evaluation.predictions(head, split.outputs, run.judgement.calibration.reach(share), run.scale)
    return float(((predictions.low <= split.truths) & (split.truths <= predictions.high)).mean())


def probes(run: FinishedRun, sentences: tuple[str, ...]) -> Section:
    """Shows the scores of a few sentences, and of those that the user gave."""
    texts = [*PROBES, *sentences]
    served = {name: values.numpy() for name, values in run.scorer.serve(tf.constant(texts)).items()}
    score, low, high = (served[name] for name in SCORES)
    return Section(
        "Probe sentences",
        "probes",
        figure=charts.probes(texts, score, low, high, run.scale),
        table={
            "header": ["sentence", "score", "from", "to"],
            "rows": [[text, *map(float, scores)] for text, *scores in zip(texts, score, low, high, strict=True)],
            "marked": [],
        },
    )


def nearest_words(run: FinishedRun) -> Section:
    """Shows which words a few words are nearest to, by the vectors that the model learned or was given."""
    learned = run.architecture.learned_vectors()
    near = nearest(run.prepared.vectors() if learned is None else learned, run.prepared.vocabulary())
    return Section(
        "Nearest words",
        "nearest_words",
        figure=charts.nearest_words(near),
        caption="" if learned is None else "By the cosine of the vectors that the model learned.",
    )


def nearest(table: np.ndarray, vocabulary: list[str]) -> dict[str, list[tuple[str, float]]]:
    """Finds the nearest words of a few words, by cosine.

    Args:
      table: float32 [vocab, dim].
      vocabulary: The tokens of its rows, from the third.
    """
    vectors = table[-len(vocabulary) :]
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    rows = {word: row for row, word in enumerate(vocabulary)}
    # Of a vocabulary without any of them, its first ones.
    words = [word for word in PROBE_WORDS if word in rows] or vocabulary
    neighbours = {}
    for word in words[:SHOWN_WORDS]:
        cosines = units @ units[rows[word]]
        # The word itself is the nearest, or as near as its twin.
        order = [row for row in np.argsort(-cosines)[: NEIGHBOURS + 1] if row != rows[word]][:NEIGHBOURS]
        neighbours[word] = [(vocabulary[row], float(cosines[row])) for row in order]
    return neighbours


def misses(run: FinishedRun) -> Section:
    """Lists the reviews, of the sample of the split, that the model errs most on."""
    split, predictions = run.split, run.predictions
    gaps = np.abs(predictions.score - split.truths)[split.sample]
    vocabulary = ["", "...", *run.prepared.vocabulary()]
    rows = []
    for index in np.argsort(-gaps)[:MISSES]:
        row = split.sample[index]
        words = " ".join(vocabulary[token] for token in split.tokens[index][:MISSED_WORDS])
        name = split.names[row].decode("utf-8", "replace")
        rows.append([name, float(split.truths[row]), float(predictions.score[row]), words])
    return Section(
        "The largest errors",
        text="The first words of each review as the model reads them; ... is a word outside its vocabulary.",
        table={"header": ["review", "true", "score", "words"], "rows": rows, "marked": []},
    )
