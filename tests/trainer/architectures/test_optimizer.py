"""The optimizer, its learning rate, and the precision of what it computes."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import TARGETS, VOCABULARY, built
from trainer.architectures import optimizer
from trainer.fitting import run_state


@pytest.mark.parametrize("name", ["cnn", "lstm"])
def test_the_bag_learns_faster_than_the_branch_over_frozen_vectors(name):
    """The first step of Adam is the learning rate, in the direction of the gradient."""
    untrained, head = built("default", name)
    model = untrained.model
    optimizer.compile_model(model, head, 0.01, decay_steps=None)
    # Output layers start at zero, so what is below them moves in the second step only.
    before = {weight.path: weight.numpy() for weight in model.trainable_weights}
    model.train_on_batch(np.full((4, 3), 5), TARGETS[:4])
    moved = {weight.path: np.abs(weight.numpy() - before[weight.path]).max() for weight in model.trainable_weights}
    assert moved["words_logits/kernel"] == pytest.approx(0.01, rel=0.01)
    assert moved["frozen_logits/kernel"] == pytest.approx(0.001, rel=0.01)


def test_the_learning_rate_falls_along_a_cosine_or_stays():
    rates = {}
    for decay_steps in (None, 100):
        untrained, head = built("default", "cnn")
        optimizer.compile_model(untrained.model, head, 0.01, decay_steps=decay_steps)
        rates[decay_steps] = []
        for step in (0, 50, 100, 200):
            untrained.model.optimizer.iterations.assign(step)
            rates[decay_steps].append(float(untrained.model.optimizer.learning_rate))
    assert rates[None] == pytest.approx([0.01] * 4)
    assert rates[100] == pytest.approx([0.01, 0.0051, 0.0002, 0.0002])


def table_and_adam() -> tuple[keras.Variable, optimizer.BranchAdam]:
    """A table of 4 rows with the path of a model's, and an optimizer that holds nothing else."""
    with keras.name_scope("vectors"):
        table = keras.Variable(np.arange(8, dtype=np.float32).reshape(4, 2) / 10, name="learned")
    adam = optimizer.BranchAdam(0.1)
    adam.build([table])
    return table, adam


def slices(gradient: dict[int, list[float]]) -> tf.IndexedSlices:
    return tf.IndexedSlices(tf.constant([*gradient.values()]), tf.constant([*gradient]), tf.constant([4, 2]))


def test_a_row_moves_by_its_gradient_over_the_root_of_its_decayed_squares():
    """Row 1 is there in the steps 1 and 4, row 3 in step 2 alone."""
    table, adam = table_and_adam()
    expected, squares, last = table.numpy().astype(np.float64), np.zeros((4, 2)), np.zeros(4, int)
    steps = [{1: [1.0, -2.0]}, {3: [0.5, 0.0]}, {2: [3.0, 1.0]}, {1: [0.1, 4.0], 2: [-1.0, 0.0]}]
    for step, gradients in enumerate(steps, 1):
        adam.apply([slices(gradients)], [table])
        for row, gradient in gradients.items():
            squares[row] = 0.999 ** (step - last[row]) * squares[row] + 0.001 * np.square(gradient)
            expected[row] -= 0.1 * np.sqrt(1 - 0.999**step) * np.array(gradient) / (np.sqrt(squares[row]) + 1e-7)
            last[row] = step
    assert table.numpy() == pytest.approx(expected, abs=2e-6)


def test_rows_of_tokens_that_a_batch_lacks_stay_as_they_are():
    table, adam = table_and_adam()
    start = table.numpy()
    for row in (1, 1, 3):
        adam.apply([slices({row: [1.0, -1.0]})], [table])
    assert (table.numpy()[[0, 2]] == start[[0, 2]]).all()
    assert (table.numpy()[[1, 3]] != start[[1, 3]]).all()


def test_the_gradients_of_a_token_that_a_batch_holds_twice_are_added_up():
    """Slices of one row are one gradient, their sum, for the squares too; all of it is as good as slices of it."""
    ends = []
    repeated = tf.IndexedSlices(tf.constant([[1.0, 4.0], [2.0, -1.0]]), tf.constant([2, 2]), tf.constant([4, 2]))
    for gradient in (repeated, slices({2: [3.0, 3.0]}), tf.convert_to_tensor(repeated)):
        table, adam = table_and_adam()
        for _ in range(2):
            adam.apply([gradient], [table])
        ends.append(table.numpy())
    assert (ends[0] == ends[1]).all()
    assert (ends[0] == ends[2]).all()


def test_in_all_a_row_moves_as_far_as_with_adam():
    """It moves at once by what Adam's first moment spreads over the steps that follow."""
    gradient = slices({2: [0.3, -5.0]})
    table, adam = table_and_adam()
    start = table.numpy()
    plain, stock = keras.Variable(start), keras.optimizers.Adam(0.1)
    stock.build([plain])
    for known in (adam, stock):
        # So late that neither corrects for the few steps that there were.
        known.iterations.assign(100_000)
    adam.apply([gradient], [table])
    stock.apply([tf.convert_to_tensor(gradient)], [plain])
    for _ in range(60):
        stock.apply([tf.zeros([4, 2])], [plain])
    assert table.numpy() - start == pytest.approx(plain.numpy() - start, rel=0.01)


def test_tables_of_tokens_have_no_first_moment():
    untrained, head = built("default", "cnn", learned_from=20)
    optimizer.compile_model(untrained.model, head, 0.01, decay_steps=None)
    adam = untrained.model.optimizer
    adam.build(untrained.model.trainable_variables)
    names = {variable.name for variable in adam.variables}
    for table in ("words_vectors", "words_log_weights", "vectors_learned"):
        assert f"{table}_last_step" in names
        assert f"{table}_momentum" not in names
    assert "words_logits_kernel_momentum" in names


def fit(model: keras.Model) -> None:
    random = np.random.default_rng(2)
    ids = random.integers(1, VOCABULARY, (64, 12)) * (np.arange(12) < random.integers(1, 13, (64, 1)))
    model.fit(ids, TARGETS, batch_size=8, verbose=0, shuffle=False)


def test_a_saved_optimizer_goes_on_as_if_it_had_not_stopped(tmp_path):
    ends = []
    for stops in (False, True):
        untrained, head = built("default", "cnn", learned_from=20)
        optimizer.compile_model(untrained.model, head, 0.01, decay_steps=None)
        fit(untrained.model)
        if stops:
            untrained.model.save_weights(tmp_path / "epoch.weights.h5")
            untrained, head = built("default", "cnn", learned_from=20)
            optimizer.compile_model(untrained.model, head, 0.01, decay_steps=None)
            untrained.model.optimizer.build(untrained.model.trainable_variables)
            untrained.model.load_weights(tmp_path / "epoch.weights.h5")
        run_state.reseed(untrained.model, 7)
        fit(untrained.model)
        ends.append({weight.path: weight.numpy() for weight in untrained.model.trainable_weights})
    for path, value in ends[0].items():
        assert (value == ends[1][path]).all(), path


ON_TWO_DEVICES = """
import keras
import numpy as np
import tensorflow as tf
device = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.trainer.architectures.test_optimizer import fit
from tests.helpers.models import built
from trainer.architectures import optimizer
ends = []
for strategy in (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
    with strategy.scope():
        untrained, head = built("default", "cnn", learned_from=20)
        optimizer.compile_model(untrained.model, head, 0.01, decay_steps=None)
    for layer in untrained.model.layers:
        # Replicas drop out apart.
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0
    fit(untrained.model)
    ends.append({weight.path: weight.numpy() for weight in untrained.model.trainable_weights})
for path, value in ends[0].items():
    np.testing.assert_allclose(ends[1][path], value, atol=1e-5, err_msg=path)
"""


def test_two_devices_learn_what_one_does():
    """Each has some of the tokens of a batch, and both the same tables after it."""
    ended = subprocess.run([sys.executable, "-c", ON_TWO_DEVICES], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]


def test_products_on_a_gpu_are_whole_once_the_fit_is_done():
    """An export is scored on a GPU when it is made, and elsewhere to see whether it still does the same."""
    is_rounded = tf.config.experimental.tensor_float_32_execution_enabled
    with optimizer.precision(mixed=False):
        assert is_rounded()
    assert not is_rounded()


def test_half_precision_ends_with_the_fit():
    before = keras.config.dtype_policy()
    with optimizer.precision(mixed=True):
        assert keras.config.dtype_policy().compute_dtype == "float16"
    assert keras.config.dtype_policy() is before
