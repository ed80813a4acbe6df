"""Times an epoch of the notebook preset against the notebook's way: everything padded to the longest review.

    python -m benchmarks.training --data prepared

Both fit the same architecture to the same reviews in batches of 32, on this machine, in this run. The
baseline has Keras's own layers, which know no mask, and its epoch is told from some of its steps.
Then times the default CNN with a vocabulary of the notebook's size against the same model under Keras's
own Adam, which passes over the whole tables of the tokens in each step.
"""

import argparse
import statistics
import sys
import time

import keras
import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts.prepared import TRAIN
from benchmarks import notebook
from benchmarks.rates import interleave
from trainer import data
from trainer.architectures import optimizer
from trainer.architectures.architecture import WordVectors
from trainer.architectures.heads import PointHead
from trainer.fitting import fit_loop
from trainer.settings import TrainerSettings
from trainer.training_run import model_spec

BATCH_SIZE = 32
LEARNED = data.Selection.whole(TRAIN)
# What `preprocess` finds in 86,450 reviews of 602 words.
VOCABULARY = 107_000
ROW_STEPS = 100


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
    batches = data.training_batches(prepared, LEARNED, PointHead(), batch_size=BATCH_SIZE, balanced=True, seed=0)
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
    settings = TrainerSettings(
        data="", output="", model=architecture, preset="notebook", ngrams="off", batch_size=BATCH_SIZE
    )
    spec = model_spec(settings, prepared, folds=0)
    model = fit_loop.start(spec, settings.fit_options).model
    found = []
    for epoch in range(repeats + 1):
        batches = data.training_batches(prepared, LEARNED, spec.head, batch_size=BATCH_SIZE, balanced=True, seed=epoch)
        started = time.perf_counter()
        model.fit(batches, shuffle=False, verbose=0)
        found.append(prepared.rows(LEARNED) / (time.perf_counter() - started))
    return found[1:]


def rates(architecture: str, folder: str, steps: int, repeats: int, longest: int | None = None) -> list[list[float]]:
    """`our_rates` and `padded_rates` of what preprocess wrote to a folder."""
    prepared = data.PreparedReviews.load(folder)
    return [our_rates(architecture, prepared, repeats), padded_rates(architecture, prepared, steps, longest)]


def row_rates(folder: str, repeats: int, *, steps: int = ROW_STEPS) -> list[list[float]]:
    """Reviews a second of the default CNN, by turns: with its own optimizer, and with Keras's Adam.

    Args:
      folder: What preprocess wrote; its vectors are replaced by random ones, as many as `VOCABULARY`.
      repeats: Turns of each, after a first one that compiles.
      steps: Of a turn.
    """
    prepared = data.PreparedReviews.load(folder)
    spec = model_spec(TrainerSettings(data="", output=""), prepared, folds=0)
    shape = max(VOCABULARY, len(prepared.vectors())), notebook.DIMENSIONS
    vectors = WordVectors(np.random.default_rng(0).normal(size=shape).astype(np.float32), None)
    how = {"batch_size": BATCH_SIZE, "balanced": False, "seed": 0}
    batches = data.training_batches(prepared, LEARNED, spec.head, **how).take(steps)

    def rate(model: keras.Model) -> float:
        started = time.perf_counter()
        fitted = model.fit(batches, shuffle=False, verbose=0)
        return BATCH_SIZE * fitted.params["steps"] / (time.perf_counter() - started)

    models = []
    for adam in (optimizer.BranchAdam, keras.optimizers.Adam):
        models.append(spec.architecture.build(vectors, spec.head).model)
        models[-1].compile(optimizer=adam(0.01), loss=spec.head.loss, jit_compile=False)
        rate(models[-1])
    return [*interleave({model: lambda model=model: rate(model) for model in models}, repeats).values()]


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="what beam_pipelines.preprocess wrote")
    parser.add_argument("--steps", type=int, default=10, help="of the baseline, after its first")
    parser.add_argument("--repeats", type=int, default=3, help="epochs of ours, after the first")
    parser.add_argument("--longest", type=int, help="tokens to pad to; by default those of the longest review")
    options = parser.parse_args(argv)
    tf.get_logger().setLevel("ERROR")
    rows = data.PreparedReviews.load(options.data).rows(LEARNED)
    for architecture in ("cnn", "lstm"):
        print(f"{architecture}, {rows:,} reviews, batches of {BATCH_SIZE}", flush=True)
        found = rates(architecture, options.data, options.steps, options.repeats, options.longest)
        ours, padded = (rows / statistics.median(one) for one in found)
        print(f"  an epoch: padded {padded:.1f} s, ours {ours:.1f} s, {padded / ours:.1f} times faster", flush=True)
    ours, whole = map(statistics.median, row_rates(options.data, options.repeats))
    print(f"default CNN, {VOCABULARY:,} tokens: {ours:.0f} reviews/s, {ours / whole:.1f} times those of Keras's Adam")
    return 0


if __name__ == "__main__":
    sys.exit(main())
