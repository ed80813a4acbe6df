"""What is fitted, and to which reviews."""

import dataclasses

from trainer.architectures.architecture import Architecture, WordVectors
from trainer.architectures.heads import Head
from trainer.data import PreparedReviews


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What is fitted, and to which reviews: the same in every trial of a search.

    Attributes:
      architecture: The class that builds it.
      head: What reads its outputs.
      prepared: The reviews.
      learn_missing: Whether it also learns vectors of the tokens that have no pretrained one.
      warm_start: An export or a checkpoint to start from, see `warm_start.load`; None starts from the seed alone.
    """

    architecture: type[Architecture]
    head: Head
    prepared: PreparedReviews
    learn_missing: bool = False
    warm_start: str | None = None

    def build(self, *, use_cudnn: bool = True) -> Architecture:
        """Builds an untrained model; see `Architecture.build`."""
        # The table is read each time: it can take hundreds of megabytes, and a model holds copies of its own.
        table, first_trained_id = self.prepared.vectors(), self.prepared.first_trained_id
        vectors = WordVectors.of(table, first_trained_id, learn_missing=self.learn_missing)
        return self.architecture.build(vectors, self.head, use_cudnn=use_cudnn)
