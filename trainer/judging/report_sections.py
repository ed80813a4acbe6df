"""The parts of a training run's report: what each says, its table and its figure."""

import dataclasses
import itertools

import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts.scale import BINS, Scale
from beam_pipelines.reporting.page import Section
from trainer.architectures.architecture import Architecture
from trainer.architectures.heads import Head
from trainer.data import PreparedReviews, bin_weights
from trainer.judging import evaluation, figures, interval
from trainer.settings import TrainerSettings

PROBES = ("This album is bad", "This album is okay", "This album is good", "This album is awesome")
PROBE_WORDS = ("good", "bad", "boring", "great", "awful", "excellent")
SHOWN_WORDS = 4
NEIGHBOURS = 10
MISSES = 10
MISSED_WORDS = 30
NAMES = {
    "model": "the model",
    "fixed_width": "the model, interval of one width",
    "tfidf_ridge": "TF-IDF + ridge",
    "median": "median of the training scores",
    "random_guess": "random guess",
}


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run, as the report tells it.

    Attributes:
      settings: The trainer's.
      prepared: The reviews.
      architecture: The fitted model, in float32.
      head: The model's.
      splits: By name, what the model says of them.
      answers: By name, their scores.
      scorer: The exported module.
      found: What `metrics.json` will hold.
    """

    settings: TrainerSettings
    prepared: PreparedReviews
    architecture: Architecture
    head: Head
    splits: dict[str, evaluation.ScoredSplit]
    answers: dict[str, evaluation.Predictions]
    scorer: tf.Module
    found: dict

    @property
    def scale(self) -> Scale:
        return self.prepared.scale

    @property
    def judged(self) -> str:
        """The split that judges the model: the test, or what there is in its place."""
        return next(name for name in ("test", "validation", "train") if self.found[name]["rows"])


def _rivals(run: Run) -> dict[str, dict]:
    figures = run.found[run.judged]
    return {"model": figures, **{name: figures[name] for name in NAMES if name in figures}}


def comparison(run: Run) -> Section:
    columns = ("mae", "rmse", "correlation", "mae_mean_over_bins", "coverage", "width")
    rows = [[NAMES[name], one["rows"], *(one[column] for column in columns)] for name, one in _rivals(run).items()]
    header = ["", "reviews", "MAE", "RMSE", "correlation", "MAE, mean over bins", "coverage", "interval width"]
    return Section(
        f"Errors on the {run.judged} split",
        text="In the unit of the scores. All intervals are calibrated on the same reviews for the same coverage; "
        f"those of the baselines have one width, clipped to the scale. The ridge regression learned from at most "
        f"{evaluation.SAMPLE_ROWS:,} reviews.",
        table={"header": header, "rows": rows, "marked": [0]},
    )


def by_bin(run: Run) -> list[Section]:
    edges = np.linspace(run.scale.low, run.scale.high, BINS + 1)
    names = [
        f"{'(' if place else '['}{low:g}, {high:g}]" for place, (low, high) in enumerate(itertools.pairwise(edges))
    ]
    rivals = _rivals(run)
    found = []
    for figure, title, text in (
        ("mae", "Mean absolute error by true score", ""),
        ("bias", "Bias by true score", "Predicted less true, on average: above 0, such reviews are overrated."),
        ("coverage", "Coverage of the interval by true score", ""),
        ("width", "Width of the interval by true score", ""),
    ):
        shown = {name: one for name, one in rivals.items() if name != "fixed_width" or figure in ("coverage", "width")}
        columns = [one["by_bin"][figure] for one in shown.values()]
        counts = rivals["model"]["by_bin"]["rows"]
        rows = [[name, count, *values] for name, count, *values in zip(names, counts, *columns, strict=True)]
        header = ["true score", "reviews", *(NAMES[name] for name in shown)]
        found.append(Section(title, text=text, table={"header": header, "rows": rows, "marked": []}))
    return found


def plots(run: Run) -> list[Section]:
    split, answers = run.splits[run.judged], run.answers[run.judged]
    histogram = run.prepared.statistics["scores"]["histogram"]["train"]
    balanced = run.settings.sample_weights == "balanced"
    guesses = np.random.default_rng(run.settings.seed).choice(run.splits["train"].truths, len(split.truths))
    shares = np.linspace(0.1, 0.9, 9)
    covered = np.array([_coverage(run, share) for share in shares])
    return [
        Section(
            "Errors",
            "errors",
            figure=figures.errors(split.truths, answers.score, guesses, run.scale),
            caption=f"The {run.judged} split; a random guess is the score of a training review drawn at random.",
        ),
        Section(
            "Calibration of the interval",
            "calibration",
            figure=figures.calibration(
                shares, covered, run.found[run.judged], split=run.judged, share=run.settings.interval, scale=run.scale
            ),
        ),
        Section(
            "Scores",
            "scores",
            figure=figures.score_histogram(split.truths, answers.score, run.scale),
            caption=f"The {run.judged} split.",
        ),
        Section(
            "Learning curves",
            "learning_curves",
            figure=figures.learning_curves(run.found["history"], run.found["best_epoch"]),
            caption="The error is that on the half of the validation reviews that does not calibrate the interval.",
        ),
        Section(
            "Sample weights",
            "sample_weights",
            figure=figures.sample_weights(bin_weights(histogram), balanced, run.scale),
        ),
        Section("Lengths", "sequence_lengths", figure=figures.sequence_lengths(run.splits["train"].lengths)),
    ]


def _coverage(run: Run, share: float) -> float:
    """How much of the judged split an interval for another share covers."""
    calibration, split = run.splits["validation"], run.splits[run.judged]
    part = calibration.in_calibration_half
    conformity = [
        np.array(run.head.conformity(one.outputs, run.scale.to_unit(one.truths).astype(np.float32)))
        for one in (calibration, split)
    ]
    return float((conformity[1] <= interval.threshold(conformity[0][part], share)).mean())


def probes(run: Run) -> Section:
    texts = [*PROBES, *run.settings.probe]
    served = {name: values.numpy() for name, values in run.scorer.serve(tf.constant(texts)).items()}
    return Section(
        "Probe sentences",
        "probes",
        figure=figures.probes(texts, served["score"], served["score_low"], served["score_high"], run.scale),
        table={
            "header": ["sentence", "score", "from", "to"],
            "rows": [
                [text, *(float(served[name][row]) for name in ("score", "score_low", "score_high"))]
                for row, text in enumerate(texts)
            ],
            "marked": [],
        },
    )


def nearest_words(run: Run) -> Section:
    learned = run.architecture.learned_vectors()
    near = nearest(run.prepared.vectors() if learned is None else learned, run.prepared.vocabulary())
    return Section(
        "Nearest words",
        "nearest_words",
        figure=figures.nearest_words(near),
        caption="" if learned is None else "By the cosine of the vectors that the model learned.",
    )


def nearest(table: np.ndarray, vocabulary: list[str]) -> dict[str, list[tuple[str, float]]]:
    """The nearest words of a few words, by cosine.

    Args:
      table: float32 [vocab, dim].
      vocabulary: The tokens of its rows, from the third.
    """
    vectors = table[-len(vocabulary) :]
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    places = {word: place for place, word in enumerate(vocabulary)}
    words = [word for word in PROBE_WORDS if word in places] or vocabulary
    found = {}
    for word in words[:SHOWN_WORDS]:
        cosines = units @ units[places[word]]
        order = [place for place in np.argsort(-cosines)[: NEIGHBOURS + 1] if place != places[word]][:NEIGHBOURS]
        found[word] = [(vocabulary[place], float(cosines[place])) for place in order]
    return found


def misses(run: Run) -> list[Section]:
    split, answers = run.splits[run.judged], run.answers[run.judged]
    gaps = np.abs(answers.score - split.truths)[split.sample]
    vocabulary = ["", "...", *run.prepared.vocabulary()]
    rows = []
    for place in np.argsort(-gaps)[:MISSES]:
        row = split.sample[place]
        words = " ".join(vocabulary[token] for token in split.tokens[place][:MISSED_WORDS])
        name = split.names[row].decode("utf-8", "replace")
        rows.append([name, float(split.truths[row]), float(answers.score[row]), words])
    return [
        Section(
            "The largest errors",
            text="The first words of each review as the model reads them; ... is a word outside its vocabulary.",
            table={"header": ["review", "true", "score", "words"], "rows": rows, "marked": []},
        )
    ]
