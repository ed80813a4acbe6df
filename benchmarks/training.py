"""Times an epoch of the notebook preset against the notebook's way: everything padded to the longest review.

    python -m benchmarks.training --data prepared

Both fit the same architecture to the same reviews in batches of 32, on this machine, in this run. The
baseline has Keras's own layers, which know no mask, and its epoch is told from some of its steps.
"""

import argparse
import statistics
import sys
import time

import keras
import numpy as np
import tensorflow as tf

from trainer import data, fitting, models
from trainer.settings import TrainerSettings

BATCH_SIZE = 32


def padded_model(architecture: str, vectors: np.ndarray, longest: int) -> keras.Model:
    """The notebook's model as it stood there, for sequences of one length."""
    frozen = keras.layers.Embedding(*vectors.shape, weights=[vectors], trainable=False)
    if architecture == "cnn":
        hidden = [
            keras.layers.Conv1D(128, 5, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.GlobalMaxPooling1D(),
            keras.layers.Dense(64),
            keras.layers.Dropout(0.2),
        ]
    else:
        hidden = [
            keras.layers.SpatialDropout1D(0.2),
            keras.layers.Bidirectional(keras.layers.LSTM(64)),
            keras.layers.Dropout(0.2),
            keras.layers.BatchNormalization(),
        ]
    model = keras.Sequential([keras.Input([longest], dtype="int64"), frozen, *hidden, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.001), "mae", jit_compile=False)
    return model


def padded_epoch(architecture: str, prepared: data.PreparedReviews, steps: int) -> float:
    """Seconds of an epoch, from the median of some steps after the first."""
    batches = data.training_batches(prepared, batch_size=BATCH_SIZE, balanced=True, seed=0)
    longest = max(ids.shape[1] for ids, _, _ in batches.as_numpy_iterator())
    model = padded_model(architecture, prepared.vectors(), longest)
    seconds = []
    for ids, scores, weights in batches.take(steps + 1).as_numpy_iterator():
        ids = np.pad(ids, [(0, 0), (0, longest - ids.shape[1])])
        started = time.perf_counter()
        model.train_on_batch(ids, scores, weights)
        seconds.append(time.perf_counter() - started)
    print(f"  padded to {longest} tokens: {statistics.median(seconds[1:]):.2f} s a step", flush=True)
    return statistics.median(seconds[1:]) * data.steps(prepared.rows("train"), BATCH_SIZE)


def our_epoch(architecture: str, prepared: data.PreparedReviews, repeats: int) -> float:
    """Seconds of an epoch, the median of some after the first."""
    settings = TrainerSettings(data="", output="", model=architecture, preset="notebook", batch_size=BATCH_SIZE)
    head = models.head_for(settings, np.empty(0))
    model = fitting.compiled_model(settings, prepared, head)
    seconds = []
    for epoch in range(repeats + 1):
        batches = data.training_batches(prepared, batch_size=BATCH_SIZE, balanced=True, seed=epoch)
        started = time.perf_counter()
        model.fit(batches, shuffle=False, verbose=0)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:])


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="what beam_pipelines.preprocess wrote")
    parser.add_argument("--steps", type=int, default=10, help="of the baseline, after its first")
    parser.add_argument("--repeats", type=int, default=3, help="epochs of ours, after the first")
    options = parser.parse_args(argv)
    tf.get_logger().setLevel("ERROR")
    prepared = data.PreparedReviews.load(options.data)
    for architecture in ("cnn", "lstm"):
        print(f"{architecture}, {prepared.rows('train'):,} reviews, batches of {BATCH_SIZE}", flush=True)
        ours = our_epoch(architecture, prepared, options.repeats)
        padded = padded_epoch(architecture, prepared, options.steps)
        print(f"  an epoch: padded {padded:.1f} s, ours {ours:.1f} s, {padded / ours:.1f} times faster", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
