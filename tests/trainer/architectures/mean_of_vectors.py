"""A third architecture, as small as can be: the mean of a review's vectors and one dense layer."""

from typing import Self

import keras

from trainer.architectures.architecture import Architecture, WordVectors, embed
from trainer.architectures.heads import Head


class MeanOfVectors(Architecture):
    """It defines how it is built, and nothing else."""

    @classmethod
    def build(cls, vectors: WordVectors, head: Head, *, use_cudnn: bool = True) -> Self:
        ids, embedded = embed(vectors)
        mean = keras.layers.GlobalAveragePooling1D(name="mean", dtype="float32")(embedded)
        outputs = keras.layers.Dense(head.outputs, name="score", dtype="float32")(mean)
        return cls(keras.Model(ids, outputs, name="mean_of_vectors"))


CLASSES = {"default": MeanOfVectors}
