"""What is fitted, and to which reviews."""

import dataclasses

from trainer.architectures.architecture import Architecture, WordVectors
from trainer.architectures.heads import Head
from trainer.prepared_reviews import PreparedReviews, Selection


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What is fitted, and to which reviews: the same in every trial of a search.

    Attributes:
      architecture: The class that builds it.
      head: What reads its outputs.
      prepared: The reviews.
      learned: Those that it learns from.
      held_out: Those that its error is measured on after each epoch; None for no others.
      learn_missing: Whether it also learns vectors of the tokens that have no pretrained one.
      is_fold: Whether these are a fold, of which all choose; of others a half has to calibrate.
      warm_start: An export or a checkpoint to start from, see `warm_start.load`; None starts from the seed alone.
    """

    architecture: type[Architecture]
    head: Head
    prepared: PreparedReviews
    learned: Selection
    held_out: Selection | None
    is_fold: bool = False
    learn_missing: bool = False
    warm_start: str | None = None

    @property
    def rated(self) -> Selection:
        """The reviews that it learns from and that have a score of their own."""
        return dataclasses.replace(self.learned, taught=False)

    def of_fold(self, folds: int, fold: int) -> "ModelSpec":
        """What learns from all reviews but those of a fold, which are held out; it starts from the seed alone."""
        learned, held_out = self.learned.in_folds(folds, fold)
        return dataclasses.replace(self, learned=learned, held_out=held_out, is_fold=True, warm_start=None)

    def build(self, *, use_cudnn: bool = True) -> Architecture:
        """Builds an untrained model; see `Architecture.build`."""
        # The table is read each time: it can take hundreds of megabytes, and a model holds copies of its own.
        table, first_trained_id = self.prepared.vectors(), self.prepared.first_trained_id
        vectors = WordVectors.of(table, first_trained_id, learn_missing=self.learn_missing)
        return self.architecture.build(vectors, self.head, use_cudnn=use_cudnn)
