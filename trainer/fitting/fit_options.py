"""How a model is fitted: what `trainer.fitting` needs of the trainer's settings."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How a model is fitted.

    Attributes:
      epochs: The most epochs.
      batch_size: Reviews in a step, over all devices.
      learning_rate: Of the first step.
      cosine: Whether the learning rate falls to nearly zero along a cosine, over all epochs; else it stays.
      patience: Early stopping waits so many epochs for a better one.
      seed: Of the first weights, the order of the reviews and the dropout.
      balanced: Whether the ten score bins count equally; else every review does.
      mixed_precision: Whether layers compute in half precision where that is safe.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    cosine: bool
    patience: int
    seed: int
    balanced: bool
    mixed_precision: bool
