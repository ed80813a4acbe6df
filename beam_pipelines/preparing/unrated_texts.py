"""Reads the unrated texts twice: their tokens are counted and some of them chosen, then these become examples."""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import numpy as np

from beam_pipelines.archive.blocks import Block
from beam_pipelines.artifacts import prepared
from beam_pipelines.artifacts.tokenizer import Tokenizer
from beam_pipelines.execution.stopwatch import Stopwatch
from beam_pipelines.preparing import unrated_choice
from beam_pipelines.preparing.examples import EncodedExamples, WriteShards
from beam_pipelines.preparing.rated_texts import RatedTexts
from beam_pipelines.preparing.reviews import Reviews
from beam_pipelines.preparing.splits import SplitShares
from beam_pipelines.preparing.token_counts import CountTokens
from beam_pipelines.preparing.unrated_choice import ChosenTexts, LowestTexts
from beam_pipelines.preparing.unrated_counts import UnratedCounts
from beam_pipelines.preparing.unrated_reviews import UnratedReviews, UnratedRules, unrated_reviews

# All count as if they were training texts.
_NOTHING_HELD_OUT = SplitShares(test=0, validation=0)


class CountUnrated(CountTokens):
    """Counts the tokens of many blocks and chooses texts, when those that are rated are known.

    PCollection[UnratedReviews] -> `counts`, as of `CountTokens`; `chosen`: tables of `unrated_choice`.

    Args:
      rated: The folder of `rated_texts`.
      rated_parts: The number of its parts.
      most: How many texts are chosen.
      rule: Of the tokeniser.
      max_tokens: A text is cut after so many.
      parts: The number of parts of the counts.
    """

    def __init__(self, rated: str, *, rated_parts: int, most: int, rule: Tokenizer, max_tokens: int, parts: int):
        super().__init__(_NOTHING_HELD_OUT, rule, max_tokens, parts)
        self.rated = rated
        self.rated_parts = rated_parts
        self.most = most

    def process(self, element: Reviews, written: Any = None) -> Iterator:
        """Takes a block; `written` is there when the rated texts are."""
        yield from super().process(element)

    def _begin_anew(self):
        super()._begin_anew()
        self._lowest = LowestTexts(self.most, RatedTexts(self.rated, self.rated_parts))

    def list_texts(self, reviews: Reviews, fingerprints: np.ndarray, split: np.ndarray, lengths: np.ndarray) -> None:
        assert isinstance(reviews, UnratedReviews)
        # A text without a token teaches nothing.
        self._lowest.add(unrated_choice.of_reviews(fingerprints[lengths > 0], reviews.places[lengths > 0]))

    def flush(self) -> list[beam.pvalue.TaggedOutput]:
        chosen = beam.pvalue.TaggedOutput("chosen", self._lowest.chosen())
        return [*super().flush(), chosen]


class WriteUnrated(WriteShards):
    """Reads and writes the unrated examples of an extent: PCollection[Extent] -> PCollection[UnratedCounts].

    Args:
      rules: Where a row holds its text and its teacher's score.
      most: How many texts could be chosen.
      more: What `WriteShards` takes.
    """

    def __init__(self, *given: str, rules: UnratedRules, most: int, **more: Any):
        super().__init__(*given, **more)
        self.rules = rules
        self.most = most

    def setup(self):
        super().setup()
        self._chosen = ChosenTexts(self.counted, self.most)

    def reviews_of(self, block: Block) -> UnratedReviews:
        return unrated_reviews(block, self.rules)

    def process_one(self, reviews: UnratedReviews, stopwatch: Stopwatch) -> list[EncodedExamples]:
        self.progress.add(len(reviews.ids))
        encoded, fingerprints = self.encode(reviews, stopwatch)
        has_tokens = encoded.tokens > 0
        is_used = has_tokens & self._chosen.stand_at(fingerprints, reviews.places)
        counts = UnratedCounts.of(
            has_tokens=has_tokens,
            is_used=is_used,
            is_chosen=self._chosen.contain(fingerprints),
            is_beyond=self._chosen.are_beyond(fingerprints),
        )
        with stopwatch.timed("write"):
            shard, digest = self.example_files.unrated(reviews, encoded, is_used)
        counts.digest = digest
        if reviews.teachers is not None:
            counts.with_teacher = sum(bool(reviews.teachers[row]) for row in np.flatnonzero(is_used))
        shards = {prepared.UNRATED: shard} if shard else {}
        return [EncodedExamples(reviews.extent, reviews.next_extent, shards, counts)]
