"""The states of a bidirectional LSTM over reviews without a phrase, each phrase in turn.

Up to the phrase a direction's states are those of the whole review, so only the tokens behind it are run. The
phrases of all reviews run side by side, and whatever a token adds to the gates is computed once for all of them.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from trainer.architectures import layers

# So many phrases run side by side: TensorFlow computes operations of this size in one thread, and shares out larger
# ones at a cost that they are not worth, while the two directions keep two threads busy.
ROWS = 320
# What is pooled of no state.
LOWEST = tf.float32.min


@dataclasses.dataclass(frozen=True)
class Pooled:
    """What is pooled of a review's states, each float32 [..., units].

    Attributes:
      highest: The greatest of them.
      total: Their sum.
      last: The state after the last token.
    """

    highest: tf.Tensor
    total: tf.Tensor
    last: tf.Tensor


@dataclasses.dataclass(frozen=True)
class _Direction:
    """How a direction runs over reviews without a phrase.

    Attributes:
      before: int32 [batch, phrases], the token that it reads last before the phrase.
      has_before: bool [batch, phrases], whether there is one.
      behind: int32 [batch, phrases], the token that it reads first behind the phrase.
      remaining: int32 [batch, phrases], how many tokens it reads from there.
      step: 1 or -1, from one token to the next.
    """

    before: tf.Tensor
    has_before: tf.Tensor
    behind: tf.Tensor
    remaining: tf.Tensor
    step: int


def pool_without(
    lstm: layers.MaskedBidirectionalLSTM,
    vectors: tf.RaggedTensor,
    starts: tf.Tensor,
    sizes: tf.Tensor,
    is_wanted: tf.Tensor,
) -> Pooled:
    """Pools the states of each review without each of its phrases.

    Args:
      lstm: The layer.
      vectors: float32 [batch, time, dim], of the tokens.
      starts: int32 [batch, phrases], ascending: the first token of each phrase. The phrases cover the review.
      sizes: int32 [batch, phrases], the tokens of each.
      is_wanted: bool [batch, phrases]; what is pooled without another one means nothing.

    Returns:
      float32 [batch, phrases, 2 units] each, of both directions.
    """
    lengths, ends = tf.cast(vectors.row_lengths(), tf.int32), starts + sizes
    whole = lengths[:, tf.newaxis]
    directions = (
        _Direction(starts - 1, starts > 0, ends, whole - ends, 1),
        _Direction(ends, ends < whole, starts - 1, starts, -1),
    )
    lstms, known = (lstm.forward, lstm.backward), lstm.states_and_cells(vectors.to_tensor(), lengths)
    pooled = []
    for direction, one, states_and_cells in zip(directions, lstms, known, strict=True):
        states, cells = (tf.RaggedTensor.from_tensor(values, lengths) for values in states_and_cells)
        begin = [_at(states, direction), _at(cells, direction), *_pool_before(states, starts, direction)]
        pooled.append(_run(one.cell, vectors, direction, begin, is_wanted))
    parts = zip(*(vars(one).values() for one in pooled), strict=True)
    return Pooled(*(tf.concat(part, axis=-1) for part in parts))


def by_phrase(pool: Callable, rows: tf.RaggedTensor, starts: tf.Tensor) -> tf.Tensor:
    """Pools the tokens of each phrase, float32 [batch, phrases, columns].

    Args:
      pool: `tf.math.unsorted_segment_sum` or one of its kind.
      rows: float32 [batch, time, columns], of the tokens.
      starts: int32 [batch, phrases], ascending, where the phrases begin that cover the reviews.
    """
    ends = tf.concat([starts[:, 1:], tf.cast(rows.row_lengths(), tf.int32)[:, tf.newaxis]], axis=1)
    ends = tf.reshape(ends + _first_tokens(rows), [-1])
    tokens = tf.range(tf.shape(rows.flat_values)[0])
    # `tf.searchsorted` refuses a batch of no review.
    phrase = tf.raw_ops.UpperBound(sorted_inputs=ends[tf.newaxis], values=tokens[tf.newaxis])[0]
    pooled = pool(rows.flat_values, phrase, tf.size(starts))
    return tf.reshape(pooled, [*tf.unstack(tf.shape(starts)), rows.flat_values.shape[-1]])


def _first_tokens(rows: tf.RaggedTensor) -> tf.Tensor:
    """The index of each review's first token among those of all, int32 [batch, 1]."""
    return tf.cast(rows.row_starts(), tf.int32)[:, tf.newaxis]


def _at(rows: tf.RaggedTensor, direction: _Direction) -> tf.Tensor:
    """Takes what stands at the token before each phrase, float32 [batch, phrases, units]; 0 at the edge."""
    places = tf.where(direction.has_before, _first_tokens(rows) + direction.before, 0)
    return tf.where(direction.has_before[..., tf.newaxis], tf.gather(rows.flat_values, places), 0)


def _pool_before(states: tf.RaggedTensor, starts: tf.Tensor, direction: _Direction) -> tuple[tf.Tensor, tf.Tensor]:
    """Pools the states that a direction has before each phrase: highest and sum, float32 [batch, phrases, units]."""
    in_reverse = direction.step < 0
    total = by_phrase(tf.math.unsorted_segment_sum, states, starts)
    highest = _highest_before(by_phrase(tf.math.unsorted_segment_max, states, starts), in_reverse=in_reverse)
    return highest, tf.cumsum(total, axis=1, exclusive=True, reverse=in_reverse)


def _highest_before(values: tf.Tensor, *, in_reverse: bool) -> tf.Tensor:
    """Computes the greatest of the values before each, or behind it, along the axis of the phrases."""
    values = tf.reverse(values, [1]) if in_reverse else values
    found = tf.pad(values, [[0, 0], [1, 0], [0, 0]], constant_values=LOWEST)[:, :-1]

    def widen(reach: tf.Tensor, found: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return 2 * reach, tf.concat([found[:, :reach], tf.maximum(found[:, reach:], found[:, :-reach])], axis=1)

    phrases, shape = tf.shape(values)[1], tf.TensorShape([None, None, values.shape[-1]])
    shapes = (tf.TensorShape([]), shape)
    _, found = tf.while_loop(lambda reach, _: reach < phrases, widen, (1, found), shape_invariants=shapes)
    return tf.reverse(found, [1]) if in_reverse else found


def _run(cell, vectors: tf.RaggedTensor, direction: _Direction, begin: list[tf.Tensor], is_wanted: tf.Tensor) -> Pooled:
    """Runs a direction over the tokens behind each phrase.

    Args:
      cell: Its Keras LSTMCell.
      vectors: float32 [batch, time, dim].
      direction: Where it runs.
      begin: The state, the cell, and the highest and the sum of the states before each phrase.
      is_wanted: bool [batch, phrases].
    """
    flat = tf.where(tf.reshape(is_wanted, [-1]))[:, 0]
    remaining = tf.gather(tf.reshape(direction.remaining, [-1]), flat)
    # Those with the fewest tokens first: at each step, those at the front have ended.
    order = tf.argsort(remaining)
    remaining, rows = tf.gather(remaining, order), tf.gather(flat, order)
    begin = [direction.behind + _first_tokens(vectors), *begin]
    begin = [tf.gather(tf.reshape(values, [-1, *values.shape[2:]]), rows) for values in begin]
    gates = tf.matmul(vectors.flat_values, cell.kernel) + cell.bias

    def run(block, ended):
        part = slice(ROWS * block, ROWS * (block + 1))
        counts = tf.math.bincount(remaining[part], minlength=1)
        running = [values[part] for values in begin]
        ended = ended.write(block, _step_through(gates, cell.recurrent_kernel, counts, direction.step, running))
        return block + 1, ended

    blocks = tf.maximum(-(-tf.size(rows) // ROWS), 1)
    ended = tf.TensorArray(tf.float32, blocks, element_shape=[None, 3 * cell.units], infer_shape=False)
    _, ended = tf.while_loop(lambda block, _: block < blocks, run, (0, ended), parallel_iterations=1)
    shape = tf.concat([tf.shape(is_wanted, tf.int64), [3 * cell.units]], axis=0)
    found = tf.scatter_nd(rows[:, tf.newaxis], ended.concat(), [shape[0] * shape[1], shape[2]])
    return Pooled(*tf.split(tf.reshape(found, shape), 3, axis=2))


def _step_through(
    gates: tf.Tensor, recurrent: tf.Tensor, counts: tf.Tensor, step: int, begin: list[tf.Tensor]
) -> tf.Tensor:
    """Runs rows through their tokens, a token of each at a time.

    Args:
      gates: float32 [tokens, 4 units], what each token adds to the gates.
      recurrent: float32 [units, 4 units].
      counts: int32 [steps], how many rows have so many tokens to run; the rows with fewer come first.
      step: From a token to the next.
      begin: The first token, int32 [rows], then float32 [rows, units] each: state, cell, highest and sum.

    Returns:
      float32 [rows, 3 units], highest, sum and last state.
    """
    steps, units = tf.size(counts), recurrent.shape[0]
    ended = tf.TensorArray(tf.float32, steps, element_shape=[None, 3 * units], infer_shape=False)

    def run(place, ended, *running):
        sizes = tf.stack([counts[place], tf.shape(running[0])[0] - counts[place]])
        (_, state_left, _, *left), (token, state, cell, highest, total) = zip(
            *(tf.split(values, sizes, num=2) for values in running), strict=True
        )
        ended = ended.write(place, tf.concat([*left, state_left], axis=1))
        added = tf.gather(gates, token) + tf.matmul(state, recurrent)
        into, keep, new, out = tf.split(added, 4, axis=1)
        cell = tf.sigmoid(keep) * cell + tf.sigmoid(into) * tf.tanh(new)
        state = tf.sigmoid(out) * tf.tanh(cell)
        return place + 1, ended, token + step, state, cell, tf.maximum(highest, state), total + state

    shapes = [tf.TensorShape([None]), *[tf.TensorShape([None, units])] * 4]
    _, ended, *_ = tf.while_loop(
        lambda place, *_: place < steps,
        run,
        (0, ended, *begin),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape(None), *shapes),
        parallel_iterations=1,
    )
    return ended.concat()
