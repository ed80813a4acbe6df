"""The words and bigrams of a review, compiled: the rows of those that occur, summed, on all cores.

A bigram's row is found in a hash table (open addressing, Knuth, 1973) whose buckets are a cache line each. All keys of
a bucket are compared at once, and a bigram without a key has a row of zeros: whether there is one is no branch, since
text does not let a processor foresee it. A bit for each row tells whether the review had it before.
The scorer proves for every job that the scores are those of the export.
"""

import numpy as np

from beam_pipelines.compiling import threads, vectors
from beam_pipelines.compiling.byte_vectors import WORDS, equal_words, lowest_bit
from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.vectors import WIDTH, prefetch
from beam_pipelines.scoring.engines.compiled_sums import sum_rows
from beam_pipelines.text.compiled_token_table import mix_bits

# The tokens that a thread takes at a time.
PART_TOKENS = 1 << 15
# The buckets of so many bigrams are prefetched before the first is read: they come from memory. The prefetches stand
# between other work; many in a row wait for each other.
RUN = 64
# A bucket holds at most so many keys, and beside them where their rows are; buckets are made for half of them each.
KEYS = WORDS - 1
_MEAN_KEYS = WORDS // 2
_KEYS_MASK = np.uint64((1 << KEYS) - 1)
# No id is as great.
_EMPTY = np.uint64(2**64 - 1)
_ONE, _HALF_BITS, _BITS, _BIT_OF_WORD = np.uint64(1), np.uint64(32), np.uint64(6), np.uint64(63)


class CompiledNgrams:
    """Sums the rows of the distinct words and bigrams of reviews.

    Args:
      ngram_keys: int64 [bigrams], ascending, as the export's `fold` gives them (`exports.NGRAMS`): the id of the
        first word times 2^32, plus that of the second.
      ngram_rows: float32 [vocab + bigrams, columns], a row for each id, then one for each key.
    """

    def __init__(self, ngram_keys: np.ndarray, ngram_rows: np.ndarray):
        (rows, self._columns), words = ngram_rows.shape, len(ngram_rows) - len(ngram_keys)
        self._buckets, order = _in_buckets(ngram_keys.astype(np.uint64), words)
        # The last row stands for the bigrams without a key. It adds nothing.
        self._table = vectors.zeros(rows + 1, vectors.round_up(self._columns))
        self._table[:words, : self._columns] = ngram_rows[:words]
        self._table[words:rows, : self._columns] = ngram_rows[words:][order]

    def pool(self, ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Sums reviews; an id or a bigram counts once in a review, however often it occurs.

        Args:
          ids: int [tokens].
          starts: int64 [batch], the offset of each review's ids.
          lengths: int64 [batch], the number of each review's ids, at least one.

        Returns:
          The last argument of the export's `finish`: float32 [batch, columns].
        """
        sums = np.empty((len(lengths), self._table.shape[1]), np.float32)

        def pool(rows: slice) -> None:
            longest = lengths[rows].max(initial=0)
            _pool(ids, starts[rows], lengths[rows], longest, self._buckets, self._table, sums[rows])

        threads.map_on_all_cores(pool, threads.slices_of_tokens(lengths, PART_TOKENS))
        return sums[:, : self._columns]


def _in_buckets(keys: np.ndarray, first_row: int) -> tuple[np.ndarray, np.ndarray]:
    """Lays keys out in a hash table.

    Args:
      keys: uint64 [bigrams], ascending.
      first_row: The row of the first key in the order of the buckets; the others follow.

    Returns:
      uint64 [buckets, 8], of each bucket seven keys, then twice the row of its first one, plus 1 if a key that belongs
      there lies in a later bucket; and the index of each key in the order of the buckets, int64 [bigrams].
    """
    buckets = vectors.zeros(1 << (len(keys) // _MEAN_KEYS).bit_length(), WIDTH).view(np.uint64)
    buckets[:, :KEYS] = _EMPTY
    _fill(buckets, keys)
    is_filled = buckets[:, :KEYS] != _EMPTY
    counts = is_filled.sum(axis=1)
    buckets[:, KEYS] += 2 * (first_row + np.cumsum(counts) - counts).astype(np.uint64)
    return buckets, np.searchsorted(keys, buckets[:, :KEYS][is_filled])


@compiled
def _bucket_of(key, buckets):
    """Gives the bucket where a key belongs."""
    return mix_bits(key) & np.uint64(len(buckets) - 1)


@compiled
def _next(bucket, buckets):
    return (bucket + _ONE) & np.uint64(len(buckets) - 1)


@compiled
def _fill(buckets, keys):
    """Puts each key, uint64, where it belongs, or into the next bucket that has room."""
    for key in keys:
        bucket = _bucket_of(key, buckets)
        # It ends, as more than a third of all places stay empty.
        while buckets[bucket, KEYS - 1] != _EMPTY:
            buckets[bucket, KEYS] = _ONE
            bucket = _next(bucket, buckets)
        place = 0
        while buckets[bucket, place] != _EMPTY:
            place += 1
        buckets[bucket, place] = key


@compiled
def _find(key, bucket, buckets, absent):
    """Finds the row of a key, from the bucket on where it belongs; `absent` where there is none."""
    found = equal_words(buckets, bucket, key) & _KEYS_MASK
    # Of few buckets a key went on, so this branch is foreseen.
    while buckets[bucket, KEYS] & _ONE and not found:
        bucket = _next(bucket, buckets)
        found = equal_words(buckets, bucket, key) & _KEYS_MASK
    row = (buckets[bucket, KEYS] >> _ONE) + np.uint64(lowest_bit(found | ~_KEYS_MASK))
    return row if found else absent


@compiled
def _add(row, table, seen, rows, count):
    """Makes `row` the last of `rows[:count]` unless it is among them; returns their new number.

    Args:
      row: uint64.
      table: float32 [rows, columns]; the row is prefetched.
      seen: uint64 [rows / 64], a bit for each row, set for those in `rows[:count]`.
      rows: uint64, with room for one more.
      count: int64.
    """
    word, bit = row >> _BITS, row & _BIT_OF_WORD
    before = seen[word]
    seen[word] = before | _ONE << bit
    # Written in any case: what is not counted is overwritten.
    rows[count] = row
    # Most tables have this vector alone, and then a loop from 0 on takes longer.
    prefetch(table, row, 0)
    for column in range(WIDTH, table.shape[1], WIDTH):
        prefetch(table, row, column)
    return count + np.int64(~(before >> bit) & _ONE)


@compiled
def _pool(ids, starts, lengths, longest, buckets, table, sums):
    """Fills in what `CompiledNgrams.pool` returns, with columns of whole vectors.

    Args:
      ids, starts, lengths: As of `CompiledNgrams.pool`.
      longest: The greatest length.
      buckets: uint64 [buckets, 8].
      table: float32 [vocab + bigrams + 1, columns]; the last row is all zeros.
      sums: float32 [batch, columns].
    """
    absent = np.uint64(len(table) - 1)
    seen = np.zeros((len(table) >> 6) + 1, np.uint64)
    rows = np.empty(2 * longest, np.uint64)
    keys, buckets_of_keys = np.empty(RUN, np.uint64), np.empty(RUN, np.uint64)
    for review in range(len(starts)):
        end, count = starts[review] + lengths[review], 0
        for start in range(starts[review], end, RUN):
            bigrams = min(RUN, end - 1 - start)
            for index in range(bigrams):
                key = np.uint64(ids[start + index]) << _HALF_BITS | np.uint64(ids[start + index + 1])
                bucket = _bucket_of(key, buckets)
                prefetch(buckets, bucket, 0)
                keys[index], buckets_of_keys[index] = key, bucket
            for index in range(start, min(start + RUN, end)):
                count = _add(np.uint64(ids[index]), table, seen, rows, count)
            for index in range(bigrams):
                row = _find(keys[index], buckets_of_keys[index], buckets, absent)
                count = _add(row, table, seen, rows, count)
            # Here `rows[:count]` are those of the words before start + RUN and of the bigrams that begin there.
        sum_rows(rows, 0, count, table, sums[review])
        for index in range(count):
            seen[rows[index] >> _BITS] = 0
