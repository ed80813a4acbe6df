"""Counts the tokens of the training split, block after block, before Beam shuffles anything."""

import dataclasses
import io
from collections.abc import Iterable

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from beam_pipelines.artifacts.tokenizer import Tokenizer
from beam_pipelines.commands import entry
from beam_pipelines.commands.progress import Progress
from beam_pipelines.execution.overlapped_dofn import OverlappedDoFn
from beam_pipelines.execution.stopwatch import Stopwatch
from beam_pipelines.files import storage
from beam_pipelines.preparing import parts, rated_texts, recurring_texts
from beam_pipelines.preparing.reviews import Reviews
from beam_pipelines.preparing.splits import TRAIN_INDEX, SplitShares, assign, split_hashes
from beam_pipelines.text import compiled_ids
from beam_pipelines.text.compiled_token_table import TokenTable

# So many distinct tokens, or bytes of them, are counted before they are handed on; so many texts, likewise.
MOST_TOKENS, MOST_BYTES, MOST_TEXTS = 1 << 20, 64 << 20, 1 << 20
COUNTS, TOTALS = "counts", "counts.json"
BY_FALLING_COUNT = [("count", "descending"), ("token", "ascending")]


class CountTokens(OverlappedDoFn):
    """Counts the training tokens of many blocks; with a split column also lists the hashes of their texts.

    PCollection[Reviews] -> `counts`: (part, RecordBatch of `token` and `count`); `texts`: (part, RecordBatch of
    `recurring_texts`), where parts are those of `rated_texts.part_of`.

    Args:
      shares: How reviews are divided.
      max_tokens: A review is cut after so many.
      parts: The number of parts.
      lists_all: Whether to list the hashes of all texts, also without a split column and of those not sampled.
    """

    def __init__(self, shares: SplitShares, rule: Tokenizer, max_tokens: int, parts: int, *, lists_all: bool = False):
        self.shares = shares
        self.rule = rule
        self.max_tokens = max_tokens
        self.parts = parts
        self.lists_all = lists_all

    def setup(self):
        entry.import_tensorflow()
        # Here, so that a process that hands the work to others needs no TensorFlow.
        from beam_pipelines.text.compiled_tokenizer import CompiledTokenizer

        self._progress = Progress("counted")
        self._tokenizer = CompiledTokenizer(self.rule)
        super().setup()

    def start_bundle(self):
        super().start_bundle()
        self._begin_anew()

    def _begin_anew(self):
        self._tokens, self._counts = TokenTable(), np.zeros(0, np.int64)
        self._texts: list[pa.RecordBatch] = []

    def process_one(self, reviews: Reviews, stopwatch: Stopwatch) -> list[beam.pvalue.TaggedOutput]:
        self._progress.add(reviews.rows_read)
        if not reviews.ids:
            return []
        with stopwatch.timed("count"):
            tokenized = self._tokenizer(reviews.texts, self._tokens)
            fingerprints = self._tokenizer.fingerprints(tokenized)
            split = assign(split_hashes(reviews.split_keys, fingerprints), self.shares)
            self._counts = np.pad(self._counts, (0, len(self._tokens) - len(self._counts)))
            is_training = split == TRAIN_INDEX
            compiled_ids.count_tokens(tokenized.codes, tokenized.lengths, is_training, self.max_tokens, self._counts)
        self.list_texts(reviews, fingerprints, split, tokenized.lengths)
        is_full = len(self._tokens) >= MOST_TOKENS or self._tokens.data_bytes >= MOST_BYTES
        return self.flush() if is_full or sum(map(len, self._texts)) >= MOST_TEXTS else []

    def list_texts(self, reviews: Reviews, fingerprints: np.ndarray, split: np.ndarray, lengths: np.ndarray) -> None:
        """Takes the texts of a block, as their hashes."""
        # Without a split column, equal texts are in one split anyway.
        if reviews.split_keys is not None or self.lists_all:
            self._texts.append(recurring_texts.of_reviews(fingerprints, split, with_unused=self.lists_all))

    def flush(self) -> list[beam.pvalue.TaggedOutput]:
        """Returns the counts so far, and begins anew."""
        # A token of a review that is held out was not counted.
        counted = np.flatnonzero(self._counts)
        tokens = self._tokens.tokens.cast(pa.binary())
        counts = pa.record_batch({"token": tokens, "count": self._counts}).take(pa.array(counted))
        outputs = self._cut("counts", counts, self._tokens.hashes[counted])
        if self._texts:
            texts = pa.concat_batches(self._texts)
            part_of = rated_texts.part_of(texts.column(0).to_numpy(), self.parts)
            outputs += self._cut("texts", texts, part_of.astype(np.uint64))
        self._begin_anew()
        return outputs

    def _cut(self, tag: str, batch: pa.RecordBatch, hashes: np.ndarray) -> list[beam.pvalue.TaggedOutput]:
        return [beam.pvalue.TaggedOutput(tag, piece) for piece in parts.cut(batch, hashes, self.parts)]


@dataclasses.dataclass
class WriteCounts(beam.PTransform):
    """Adds up the counts of tokens: a file for each part, and the totals.

    PCollection[(part, RecordBatch)] -> PCollection[None]

    Attributes:
      folder: The temporary folder.
      most: So many tokens of a part are enough, the most frequent ones; None for all.
    """

    folder: str
    most: int | None = None

    def expand(self, counts: beam.PCollection) -> beam.PCollection:
        return (
            counts
            | "MergeCounts" >> beam.CombinePerKey(parts.MergeParts("sum"))
            | "WriteCounts" >> beam.Map(write_counts, folder=self.folder, most=self.most)
            | "SumTokens" >> beam.CombineGlobally(sum_totals).without_defaults()
            | "WriteTotals" >> beam.Map(write_totals, folder=self.folder)
        )


def sum_totals(totals: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Adds up the distinct tokens, and the tokens, of parts."""
    distinct = total = 0
    for distinct_of_part, total_of_part in totals:
        distinct, total = distinct + distinct_of_part, total + total_of_part
    return distinct, total


def write_totals(totals: tuple[int, int], *, folder: str) -> None:
    """Writes the distinct tokens, and the tokens, of all parts into a temporary folder."""
    storage.write_json(folder, TOTALS, totals)


def write_counts(counted: tuple[int, pa.RecordBatch], *, folder: str, most: int | None) -> tuple[int, int]:
    """Writes the counts of one part of the tokens into a temporary folder.

    Args:
      counted: The number of the part, and its batch.
      folder: The temporary folder.
      most: So many tokens are enough, the most frequent ones; None for all.

    Returns:
      How many distinct tokens, and how many tokens, the part has.
    """
    part, batch = counted
    table = pa.Table.from_batches([batch])
    data = io.BytesIO()
    pq.write_table(table if most is None else most_frequent(table, most), data)
    storage.write_bytes(folder, f"{COUNTS}/{part:04d}.parquet", data.getvalue())
    return table.num_rows, pc.sum(table["count"]).as_py()


def most_frequent(counts: pa.Table, most: int) -> pa.Table:
    """The most frequent tokens, in any order; of equally frequent ones the first by the token."""
    if counts.num_rows <= most:
        return counts
    return counts.take(pc.select_k_unstable(counts, most, BY_FALLING_COUNT))
