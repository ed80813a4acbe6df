"""Builds and fits small models."""

import keras
import numpy as np

from trainer.architectures import build
from trainer.settings import TrainerSettings

VOCABULARY, DIM = 50, 6
TABLE = np.vstack([np.zeros((2, DIM)), np.random.default_rng(1).normal(size=(VOCABULARY - 2, DIM))]).astype(np.float32)
SCORES = np.random.default_rng(3).choice([0.1, 0.4, 0.8, 1.0], 64)


def built(preset: str, model: str, **given):
    """A model and its head."""
    keras.utils.set_random_seed(5)
    settings = TrainerSettings(data="d", output="o", preset=preset, model=model, **given)
    head = build.head_for(settings, SCORES)
    return build.build(settings, TABLE, 40, head), head


def fitted(preset: str, model: str) -> keras.Model:
    """A model after a few steps, so that normalisation has seen batches."""
    model, head = built(preset, model)
    build.compile(model, head, 0.01, decay_steps=None)
    random = np.random.default_rng(2)
    ids = random.integers(1, VOCABULARY, (64, 12)) * (np.arange(12) < random.integers(1, 13, (64, 1)))
    model.fit(ids, SCORES[:, None], epochs=3, verbose=0)
    return model
