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

from benchmarks import notebook
from trainer import data
from trainer.fitting import fit_loop
from trainer.settings import TrainerSettings
from trainer.training_run import model_spec

BATCH_SIZE = 32


def padded_rates(
    architecture: str, prepared: data.PreparedReviews, steps: int, longest: int | None = None
) -> list[float]:
    """Reviews a second of the notebook's way, of each of some steps after the first.

    Args:
      architecture: "cnn" or "lstm".
      prepared: The reviews.
      steps: How many.
      longest: The tokens to pad to; by default those of the longest training review.
    """
    batches = data.training_batches(prepared, batch_size=BATCH_SIZE, balanced=True, seed=0)
    longest = longest or max(ids.shape[1] for ids, _, _ in batches.as_numpy_iterator())
    model = notebook.model(architecture, prepared.vectors(), longest)
    model.compile(keras.optimizers.Adam(0.001), "mae", jit_compile=False)
    found = []
    for ids, scores, weights in batches.take(steps + 1).as_numpy_iterator():
        ids = np.pad(ids, [(0, 0), (0, longest - ids.shape[1])])
        started = time.perf_counter()
        model.train_on_batch(ids, scores, weights)
        found.append(len(ids) / (time.perf_counter() - started))
    return found[1:]


def our_rates(architecture: str, prepared: data.PreparedReviews, repeats: int) -> list[float]:
    """Reviews a second of ours, of each of some epochs after the first."""
    settings = TrainerSettings(data="", output="", model=architecture, preset="notebook", batch_size=BATCH_SIZE)
    model = fit_loop.start(model_spec(settings, prepared), settings.fit_options).model
    found = []
    for epoch in range(repeats + 1):
        batches = data.training_batches(prepared, batch_size=BATCH_SIZE, balanced=True, seed=epoch)
        started = time.perf_counter()
        model.fit(batches, shuffle=False, verbose=0)
        found.append(prepared.rows("train") / (time.perf_counter() - started))
    return found[1:]


def rates(architecture: str, folder: str, steps: int, repeats: int, longest: int | None = None) -> list[list[float]]:
    """`our_rates` and `padded_rates` of what preprocess wrote to a folder."""
    prepared = data.PreparedReviews.load(folder)
    return [our_rates(architecture, prepared, repeats), padded_rates(architecture, prepared, steps, longest)]


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="what beam_pipelines.preprocess wrote")
    parser.add_argument("--steps", type=int, default=10, help="of the baseline, after its first")
    parser.add_argument("--repeats", type=int, default=3, help="epochs of ours, after the first")
    parser.add_argument("--longest", type=int, help="tokens to pad to; by default those of the longest review")
    options = parser.parse_args(argv)
    tf.get_logger().setLevel("ERROR")
    rows = data.PreparedReviews.load(options.data).rows("train")
    for architecture in ("cnn", "lstm"):
        print(f"{architecture}, {rows:,} reviews, batches of {BATCH_SIZE}", flush=True)
        found = rates(architecture, options.data, options.steps, options.repeats, options.longest)
        ours, padded = (rows / statistics.median(one) for one in found)
        print(f"  an epoch: padded {padded:.1f} s, ours {ours:.1f} s, {padded / ours:.1f} times faster", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
