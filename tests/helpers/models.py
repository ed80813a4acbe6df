"""Builds and fits small models."""

import keras
import numpy as np
import tensorflow as tf

from trainer.architectures import optimizer
from trainer.architectures.architecture import Architecture, WordVectors
from trainer.architectures.distribution_head import DistributionHead
from trainer.architectures.heads import Head
from trainer.architectures.registry import ARCHITECTURES

VOCABULARY, DIM = 50, 6
TABLE = np.vstack([np.zeros((2, DIM)), np.random.default_rng(1).normal(size=(VOCABULARY - 2, DIM))]).astype(np.float32)
SCORES = np.random.default_rng(3).choice([0.1, 0.4, 0.8, 1.0], 64)
# As the default head is fitted to them.
TARGETS = np.array(DistributionHead.of(SCORES).targets(SCORES.astype(np.float32)))


def built(preset: str, name: str, *, learned_from: int | None = None) -> tuple[Architecture, Head]:
    """An untrained model and its head."""
    keras.utils.set_random_seed(5)
    architecture_class = ARCHITECTURES[name].load(preset)
    head = architecture_class.head_for(SCORES)
    return architecture_class.build(WordVectors(TABLE, learned_from), head), head


def fitted(preset: str, name: str) -> Architecture:
    """A model after a few steps, so that normalisation has seen batches."""
    architecture, head = built(preset, name)
    optimizer.compile_model(architecture.model, head, 0.01, decay_steps=None)
    random = np.random.default_rng(2)
    ids = random.integers(1, VOCABULARY, (64, 12)) * (np.arange(12) < random.integers(1, 13, (64, 1)))
    architecture.model.fit(ids, np.array(head.targets(SCORES.astype(np.float32))), epochs=3, verbose=0)
    return architecture


def random_ids(*, longest: int = 40) -> tf.RaggedTensor:
    """Reviews of 1 to `longest` tokens, some of a single one, int64 [batch, time]."""
    random = np.random.default_rng(8)
    lengths = np.concatenate([[1, 1, 2, longest], random.integers(1, longest + 1, 30)])
    return tf.RaggedTensor.from_row_lengths(random.integers(1, VOCABULARY, lengths.sum()), lengths)


def pooled_by(network, ids: tf.RaggedTensor) -> tuple[np.ndarray, ...]:
    """What a compiled network makes of reviews."""
    return network.pool(ids.flat_values.numpy(), ids.row_starts().numpy(), ids.row_lengths().numpy())
