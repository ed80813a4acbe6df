import keras
import numpy as np
import pytest

from beam_pipelines.errors import UserError
from trainer.fitting import run_state
from trainer.fitting.run_state import RunState


def after(errors: list[float | None]) -> RunState:
    state = RunState()
    for error in errors:
        state = state.after({"loss": 1.0}, error)
    return state


@pytest.mark.parametrize(
    ("errors", "best", "ended"),
    [
        ([], 0, False),
        ([0.5], 1, False),
        ([0.5, 0.4, 0.45], 2, False),
        ([0.5, 0.4, 0.45, 0.4], 2, True),  # Equal is not better.
        ([0.5, 0.4, 0.45, 0.39], 4, False),
        ([0.5, 0.4, 0.3, 0.2, 0.1], 5, True),  # Five epochs at most.
        ([None, None, None], 3, False),  # Without validation the latest is the best.
    ],
)
def test_the_best_epoch_and_the_end(errors, best, ended):
    state = after(errors)
    assert state.best_epoch == best
    assert state.ended(epochs=5, patience=2) == ended
    assert [figures["epoch"] for figures in state.history] == list(range(1, len(errors) + 1))


def test_with_a_tolerance_a_later_epoch_that_is_nearly_as_good_is_the_best():
    state = RunState()
    for error in (0.5, 0.4, 0.41, 0.43, 0.46):
        state = state.after({}, error, tolerance=0.05)
    assert (state.best_epoch, state.best_error) == (4, 0.4)


def model(*, units: int = 4) -> keras.Model:
    keras.utils.set_random_seed(0)
    built = keras.Sequential(
        [keras.Input([3]), keras.layers.Dense(units), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    )
    built.compile(keras.optimizers.Adam(0.01), "mae", jit_compile=False)
    return built


def fit(fitted: keras.Model, epoch: int) -> None:
    random = np.random.default_rng(epoch)
    run_state.reseed(fitted, run_state.epoch_seed(3, epoch))
    fitted.fit(random.normal(size=(40, 3)), random.normal(size=(40, 1)), shuffle=False, verbose=0)


def test_a_loaded_run_goes_on_as_if_it_had_not_stopped(tmp_path):
    """Weights, optimizer and dropout are all as they would have been."""
    whole = model()
    fit(whole, 0)
    state = RunState().after({"loss": 1.0}, 0.5)
    run_state.save(tmp_path, state, whole)
    fit(whole, 1)

    resumed = model()
    assert run_state.load(tmp_path, resumed) == state
    fit(resumed, 1)
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        assert (one == other).all()


def test_weights_of_another_version_are_not_gone_on_with(tmp_path):
    fitted = model()
    fit(fitted, 0)
    run_state.save(tmp_path, RunState().after({"loss": 1.0}, 0.5), fitted)
    with pytest.raises(UserError, match=r"epoch-0001.weights.h5 was written by another version; add --overwrite"):
        run_state.load(tmp_path, model(units=5))


def test_only_the_latest_and_the_best_weights_are_kept(tmp_path):
    state, fitted = RunState(), model()
    for error in (0.5, 0.3, 0.4, 0.35):
        state = state.after({}, error)
        run_state.save(tmp_path, state, fitted)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "epoch-0002.weights.h5",
        "epoch-0004.weights.h5",
        "state.json",
    ]


def test_an_empty_folder_is_a_fresh_start(tmp_path):
    assert run_state.load(tmp_path, model()) == RunState()


def test_epoch_seeds_differ():
    assert len({run_state.epoch_seed(seed, epoch) for seed in range(5) for epoch in range(20)}) == 100
