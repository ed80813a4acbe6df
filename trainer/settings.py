"""The settings of the trainer, the only home of their defaults."""

import dataclasses

from beam_pipelines.flags import flag

MODULE = "trainer.task"

PRESETS = {"default": {}, "notebook": {"first_score": "random"}}


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """Fits a model to prepared reviews and exports it for bulk scoring and TensorFlow Serving.

    Writes OUTPUT/export/reviews/VERSION (the SavedModel), metrics.json, logs (for TensorBoard) and
    checkpoints. An interrupted run continues with the same command.

    Example:
      python -m trainer.task --data prepared --output trained --model cnn
    """

    data: str = flag("what the preprocess job wrote", metavar="DIR")
    output: str = flag("a new folder, or that of an interrupted run with the same settings", metavar="DIR")
    model: str = flag("the architecture", default="cnn", choices=["cnn", "lstm"])
    preset: str = flag(
        "default, or the notebook's recipe; a flag that is given wins over the preset",
        default="default",
        choices=list(PRESETS),
    )
    learn_vectors: str = flag(
        "missing: also learn vectors of the tokens that have no pretrained one; none: leave them out (where no token "
        "has one, all are learned)",
        default="none",
        choices=["none", "missing"],
    )
    first_score: str = flag(
        "what the untrained model answers: the middle of the scale, or random scores, from which learning takes longer",
        default="middle",
        choices=["middle", "random"],
    )
    epochs: int = flag("the most epochs to fit", default=64)
    batch_size: int = flag("reviews in a step", default=32)
    learning_rate: float = flag("Adam's learning rate", default=0.001)
    patience: int = flag("stop after this many epochs without a better validation error", default=10)
    seed: int = flag("two runs with one seed are equal on a CPU", default=0)
    sample_weights: str = flag(
        "balanced: the ten score bins count equally; none: every review counts the same",
        default="balanced",
        choices=["balanced", "none"],
    )
    overwrite: bool = flag("delete what an earlier run wrote to OUTPUT, but for exported versions", default=False)

    def __post_init__(self):
        if "://" in self.output:
            raise ValueError(f"--output {self.output} is not a local folder; train to one, then copy its export/")
        for name in ("epochs", "batch_size", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} {getattr(self, name)} must be at least 1")
        if self.seed < 0:
            raise ValueError(f"--seed {self.seed} must not be negative")
        if not self.learning_rate > 0:
            raise ValueError(f"--learning_rate {self.learning_rate} must be greater than 0")


def preset_values(given: dict) -> dict:
    """The values that stand in for flags that were not given."""
    return PRESETS.get(given.get("preset", "default"), {})
