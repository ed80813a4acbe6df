"""The settings of the trainer, the only home of their defaults."""

import dataclasses

from beam_pipelines.commands.flags import flag
from trainer.architectures import registry
from trainer.fitting.fit_options import FitOptions

MODULE = "trainer.task"

PRESETS = ("default", "notebook")
# The recipe of the notebook that this began as; its learning rates are the architectures'.
_NOTEBOOK = {"epochs": 64, "schedule": "constant", "sample_weights": "balanced", "ngrams": "off", "folds": 0}
_NOTEBOOK_RATES = " and ".join(f"{rate:g} ({name})" for name, rate in registry.notebook_learning_rates().items())


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """Fits a model to prepared reviews and exports it for bulk scoring and TensorFlow Serving.

    Writes OUTPUT/export/reviews/VERSION (the SavedModel), report.html, metrics.json, plots, logs
    (for TensorBoard) and checkpoints. An interrupted run continues with the same command. On Vertex
    AI, what it wants in the folders AIP_MODEL_DIR, AIP_CHECKPOINT_DIR and AIP_TENSORBOARD_LOG_DIR
    is copied there.

    Example:
      python -m trainer.task --data prepared --output trained --model cnn
    """

    data: str = flag("what the preprocess job wrote: local, gs:// or s3://", metavar="DIR", is_path=True)
    output: str = flag(
        "a new folder, local, gs:// or s3://, or that of an interrupted run with the same settings",
        metavar="DIR",
        is_path=True,
    )
    model: str = flag("the architecture", default="cnn", choices=registry.ARCHITECTURES)
    preset: str = flag(
        "default: a bag of learned words beside the CNN or LSTM, and a distribution over the scores; notebook: the "
        "recipe that this began as, for comparison. A flag that is given wins over the preset",
        default="default",
        choices=PRESETS,
    )
    learn_vectors: str = flag(
        "missing: the CNN or LSTM also learns vectors of the tokens that have no pretrained one; none: it passes over "
        "them (where no token has one, all are learned)",
        default="none",
        choices=["none", "missing"],
    )
    ngrams: str = flag(
        "on: beside it, a logistic regression over the words and bigrams of a review, and the score is read from the "
        "weighted mean of both distributions; off, as in the notebook preset: none",
        default="on",
        choices=["on", "off"],
        alone="on",
    )
    folds: int | None = flag(
        "fit a model to all reviews but each of so many folds, so that training and validation reviews can all be "
        "learned from, and choose the epoch and calibrate the interval; 0, as in the notebook preset: the validation "
        "reviews do, and are not learned from; without it 5, or 0 where there are more than 20,000 of them",
        default=None,
    )
    epochs: int = flag("the most epochs to fit; the notebook preset has 64", default=12)
    batch_size: int = flag("reviews in a step", default=32)
    learning_rate: float = flag(
        f"Adam's learning rate in the first step; the notebook preset has {_NOTEBOOK_RATES}", default=0.01
    )
    schedule: str = flag(
        "cosine: the learning rate falls to nearly zero over the epochs; constant, as in the notebook preset: it stays",
        default="cosine",
        choices=("cosine", "constant"),
    )
    patience: int = flag(
        "stop after this many epochs without a better validation error; with the cosine, one within a "
        "standard error of the best counts as better, and the last such epoch is kept",
        default=10,
    )
    seed: int = flag("two runs with one seed are equal on a CPU", default=0)
    sample_weights: str = flag(
        "balanced: the ten score bins count equally, as in the notebook preset; none: every review counts the same",
        default="none",
        choices=("balanced", "none"),
    )
    interval: float = flag("the share of unseen reviews whose true score shall lie in the interval", default=0.8)
    mixed_precision: bool = flag("compute in half precision where that is safe; for a GPU", default=False)
    warm_start: str | None = flag(
        "start from the weights of an exported model, or of a checkpoint (.weights.h5) of the same data",
        default=None,
        metavar="EXPORT_OR_CHECKPOINT",
        is_path=True,
    )
    tune: int = flag(
        "first try so many settings (learning rate, batch size, half and twice the epochs) and go on with the best; "
        "see tuning.csv",
        default=0,
    )
    probe: tuple[str, ...] = flag(
        "a sentence whose score the report shall show; may be repeated",
        default=(),
        metavar="TEXT",
    )
    no_text_in_reports: bool = flag("leave words of the reviews and their ids out of the report", default=False)
    overwrite: bool = flag("delete what an earlier run wrote to OUTPUT, but for exported versions", default=False)

    def __post_init__(self):
        for name in ("epochs", "batch_size", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} {getattr(self, name)} must be at least 1")
        if self.folds is not None and (self.folds < 0 or self.folds == 1):
            raise ValueError(f"--folds {self.folds} must be 0, or at least 2")
        if self.preset == "notebook" and self.ngrams == "on":
            raise ValueError(
                "--preset notebook scores without a distribution, which --ngrams on would need; leave one of them out"
            )
        for name in ("seed", "tune"):
            if getattr(self, name) < 0:
                raise ValueError(f"--{name} {getattr(self, name)} must not be negative")
        if not self.learning_rate > 0:
            raise ValueError(f"--learning_rate {self.learning_rate} must be greater than 0")
        # A figure has no glyph for a control character, and UTF-8 no form of half a surrogate pair.
        for text in self.probe:
            if not text.isprintable() or any("\ud800" <= sign <= "\udfff" for sign in text):
                raise ValueError(f"--probe {text!r} is not printable text")
        if not 0 < self.interval < 1:
            raise ValueError(f"--interval {self.interval} is not in (0, 1)")
        of_notebook = registry.notebook_learning_rates()
        if self.preset == "notebook" and self.model not in of_notebook:
            raise ValueError(f"--preset notebook has no --model {self.model}, only {' and '.join(of_notebook)}")

    @property
    def fit_options(self) -> FitOptions:
        """What fitting needs of them."""
        return FitOptions(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            cosine=self.schedule == "cosine",
            patience=self.patience,
            seed=self.seed,
            balanced=self.sample_weights == "balanced",
            mixed_precision=self.mixed_precision,
        )


def preset_values(given: dict) -> dict:
    """Returns the values that stand in for flags that were not given."""
    if given.get("preset") != "notebook":
        return {}
    rate = registry.notebook_learning_rates().get(given.get("model", "cnn"))
    return _NOTEBOOK if rate is None else {**_NOTEBOOK, "learning_rate": rate}
