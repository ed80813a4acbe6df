"""Writes encoded reviews as TFRecords of tf.Examples, a shard for each extent and split."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from beam_pipelines.archive import read_extents
from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.extents import Extent
from beam_pipelines.archive.positions import Position, extent_name
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.artifacts import prepared
from beam_pipelines.artifacts.tokenizer import Tokenizer
from beam_pipelines.commands import entry
from beam_pipelines.commands.progress import Progress
from beam_pipelines.execution import counters
from beam_pipelines.execution.overlapped_dofn import OverlappedDoFn
from beam_pipelines.execution.stopwatch import Stopwatch
from beam_pipelines.files import storage
from beam_pipelines.files.staged import StagedFile
from beam_pipelines.preparing import recurring_texts
from beam_pipelines.preparing.reviews import RatingRules, Reviews, rated_reviews
from beam_pipelines.preparing.row_counts import ExampleCounts
from beam_pipelines.preparing.splits import TRAIN_INDEX, SplitShares, assign, split_hashes
from beam_pipelines.preparing.unrated_counts import UnratedCounts
from beam_pipelines.text.encoded import Encoded


@dataclasses.dataclass(frozen=True)
class EncodedExamples:
    """The examples of a block.

    Attributes:
      extent: Where its extent begins.
      next_extent: Where the next one begins, if the block is the last of its own; else None.
      shards: By split, a gzipped TFRecord file.
      counts: What they are.
    """

    extent: Position
    next_extent: Position | None
    shards: dict[str, bytes]
    counts: ExampleCounts | UnratedCounts


class WriteShards(OverlappedDoFn):
    """Reads an extent, encodes its reviews and writes them into shards: PCollection[Extent] -> PCollection of counts.

    Subclasses define `reviews_of` and `process_one`.

    Args:
      folder: The prepared folder, which holds the graph already.
      read_options: How extents are read.
      index_digits: How many digits the index of a file has in the names of extents.
      counted: The folder of what the first reading has left.
      rule: Of the tokeniser.
      first_trained_id: Of the vocabulary.
      max_tokens: A review is cut after so many.
    """

    # Compressing takes one core.
    threads = 2

    def __init__(
        self,
        folder: str,
        counted: str,
        *,
        read_options: ReadOptions,
        index_digits: int,
        rule: Tokenizer,
        first_trained_id: int,
        max_tokens: int,
    ):
        self.folder = folder
        self.read_options = read_options
        self.index_digits = index_digits
        self.counted = counted
        self.rule = rule
        self.first_trained_id = first_trained_id
        self.max_tokens = max_tokens

    def setup(self):
        entry.import_tensorflow()
        # Here, so that a process that hands the work to others needs no TensorFlow.
        from beam_pipelines.preparing.example_files import ExampleFiles
        from beam_pipelines.text.compiled_encoder import CompiledEncoder

        self.progress = Progress("prepared")
        with storage.local_copy(storage.join(self.folder, prepared.TRANSFORM_GRAPH)) as graph:
            self._encoder = CompiledEncoder(
                graph, rule=self.rule, first_trained_id=self.first_trained_id, max_tokens=self.max_tokens
            )
        self.example_files = ExampleFiles()
        self._files: dict[str, StagedFile] = {}
        super().setup()

    def start_bundle(self):
        super().start_bundle()
        self._discard()

    def teardown(self):
        self._discard()
        super().teardown()

    def reviews_of(self, block: Block) -> Reviews:
        """Takes the reviews of a block."""
        raise NotImplementedError

    def split(self, extent: Extent) -> Iterator[Reviews]:
        for block in counters.timed_iterator("read", read_extents.read(extent, self.read_options)):
            yield self.reviews_of(block)

    def encode(self, reviews: Reviews, stopwatch: Stopwatch) -> tuple[Encoded, np.ndarray]:
        """Makes the ids of reviews; also returns the hash of each text, int64 [reviews]."""
        with stopwatch.timed("encode"):
            tokenized = self._encoder.tokenize(reviews.texts)
            return self._encoder.encode(tokenized), self._encoder.fingerprints(tokenized)

    def collect(self, encoded: EncodedExamples) -> Iterator[ExampleCounts | UnratedCounts]:
        """Appends a block to the shards of its extent, which appear with the last one."""
        for split, data in encoded.shards.items():
            if split not in self._files:
                self._files[split] = StagedFile(self.folder)
            # What is compressed apart can stand behind each other.
            self._files[split].stream.write(data)
        if encoded.next_extent:
            extent = extent_name(encoded.extent, self.index_digits)
            for split, file in self._files.items():
                file.close()
                file.publish(prepared.example_shard(split, extent))
            self._files = {}
        yield encoded.counts

    def _discard(self) -> None:
        # A bundle that failed may have left some.
        for file in self._files.values():
            file.discard()
        self._files = {}


class WriteExamples(WriteShards):
    """Writes the examples of rated reviews, into their splits: PCollection[Extent] -> PCollection[ExampleCounts].

    Args:
      rules: Where a row holds its text and its score.
      shares: How reviews are divided; the same as when their tokens were counted.
      more: What `WriteShards` takes.
    """

    def __init__(self, *given: str, rules: RatingRules, shares: SplitShares, **more: Any):
        super().__init__(*given, **more)
        self.rules = rules
        self.shares = shares

    def setup(self):
        super().setup()
        self._recurring = recurring_texts.read(self.counted)

    def reviews_of(self, block: Block) -> Reviews:
        return rated_reviews(block, self.rules)

    def process_one(self, reviews: Reviews, stopwatch: Stopwatch) -> list[EncodedExamples]:
        self.progress.add(len(reviews.ids))
        encoded, fingerprints = self.encode(reviews, stopwatch)
        hashes = split_hashes(reviews.split_keys, fingerprints)
        split = assign(hashes, self.shares)
        recurring = (split == TRAIN_INDEX) & recurring_texts.contains(self._recurring, fingerprints)
        with stopwatch.timed("write"):
            shards = self.example_files.by_split(reviews, encoded, np.where(recurring, -1, split), hashes)
        counts = ExampleCounts.of(
            split=split,
            recurring=recurring,
            scores=reviews.scores,
            lengths=encoded.tokens,
            known_shares=encoded.known_share,
            scale=self.rules.scale,
        )
        return [EncodedExamples(reviews.extent, reviews.next_extent, shards, counts)]
