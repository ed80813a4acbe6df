"""Fits a model to prepared reviews, tells how good it is, and exports it.

    python -m trainer.task --data prepared --output trained --model cnn

Read from top to bottom, `fit` is the whole of the training. After every epoch the run is saved, so
the same command continues an interrupted run.
"""

import dataclasses
import math
import pathlib
import time

from beam_pipelines import flags, job_folder, storage
from beam_pipelines.flags import UserError, logger
from trainer.settings import MODULE, TrainerSettings, preset_values

OUTPUTS = ["metrics.json", "model.txt", "logs/*", "checkpoints/*"]
# Settings that may differ between an interrupted run and the one that continues it.
FREE_SETTINGS = ("output", "overwrite", "data")


def claim(settings: TrainerSettings, prepared) -> None:
    """Makes the output folder this run's, or goes on with an interrupted run's.

    Raises:
      UserError: The folder holds a finished run, another run's settings or data, or other files.
    """
    new = job_folder.manifest(MODULE, settings, OUTPUTS, data_digest=prepared.digest())
    old = job_folder.read(settings.output)
    if old and old["command"] == MODULE and not settings.overwrite:
        if storage.exists(storage.join(settings.output, "metrics.json")):
            raise UserError(
                f"--output {settings.output} holds a finished run; choose another folder or add --overwrite"
            )
        difference = _difference(old, new)
        if difference:
            raise UserError(
                f"--output {settings.output} holds an interrupted run with {difference}; give the same settings to "
                f"continue it, choose another folder, or add --overwrite"
            )
        return
    job_folder.claim(settings.output, new, overwrite=settings.overwrite, reads=[settings.data])


def _difference(old: dict, new: dict) -> str | None:
    for name, value in new["settings"].items():
        if name not in FREE_SETTINGS and old["settings"].get(name) != value:
            return f"--{name} {old['settings'].get(name)}, not {value}"
    return None if old["data_digest"] == new["data_digest"] else "other data"


def fit(model, prepared, settings: TrainerSettings, output: pathlib.Path):
    """Fits the model, epoch after epoch, and leaves it with the weights of the best one.

    Returns:
      The final RunState.
    """
    import tensorflow as tf

    from trainer import data, evaluation, run_state

    checkpoints = output / "checkpoints"
    state = run_state.load(checkpoints, model)
    if state.epoch:
        logger.info("going on after epoch %d", state.epoch)
    writer = tf.summary.create_file_writer(str(output / "logs"))
    while not state.ended(epochs=settings.epochs, patience=settings.patience):
        started = time.monotonic()
        seed = run_state.epoch_seed(settings.seed, state.epoch)
        run_state.reseed(model, seed)
        batches = data.training_batches(
            prepared, batch_size=settings.batch_size, balanced=settings.sample_weights == "balanced", seed=seed
        )
        fitted = model.fit(batches, epochs=state.epoch + 1, initial_epoch=state.epoch, shuffle=False, verbose=0)
        figures = {"loss": float(fitted.history["loss"][0])}
        if not math.isfinite(figures["loss"]):
            raise UserError(f"the loss of epoch {state.epoch + 1} is no finite number; try a lower --learning_rate")
        error = None
        if prepared.rows("validation"):
            scored = evaluation.score_split(model, prepared, "validation")
            error = evaluation.errors(scored.scores, scored.truths, prepared.scale)["mae_share"]
            figures["validation_mae_share"] = error
        figures["seconds"] = round(time.monotonic() - started, 2)
        state = state.after(figures, error)
        run_state.save(checkpoints, state, model)
        with writer.as_default(step=state.epoch):
            for name, figure in figures.items():
                tf.summary.scalar(name, figure)
        writer.flush()
        logger.info("epoch %d: %s", state.epoch, ", ".join(f"{name} {figure:.4g}" for name, figure in figures.items()))
    model.load_weights(run_state.weights_path(checkpoints, state.best_epoch))
    return state


def run(settings: TrainerSettings) -> dict:
    """Fits, evaluates and exports; `metrics.json` is written last.

    Raises:
      UserError: Something in the settings or the folders is to be mended.
    """
    with storage.local_copy(settings.data) as folder:
        flags.import_tensorflow()
        from trainer import data

        prepared = data.PreparedReviews.load(folder)
        claim(settings, prepared)
        return _run(settings, prepared, pathlib.Path(settings.output))


def _run(settings: TrainerSettings, prepared, output: pathlib.Path) -> dict:
    import keras
    import tensorflow as tf

    from trainer import evaluation, export, models

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(settings.seed)
    table = prepared.vectors()
    model = models.build(settings, table, prepared.first_trained_id)
    models.compile(model, settings.learning_rate)
    summary = []
    model.summary(print_fn=lambda line, **_: summary.append(line))
    storage.write_bytes(str(output), "model.txt", "\n".join([*summary, ""]).encode())
    logger.info(
        "fitting %s to %d reviews on %s", settings.model, prepared.rows("train"), "a GPU" if gpus else "the CPU"
    )

    state = fit(model, prepared, settings, output)
    scored = {split: evaluation.score_split(model, prepared, split) for split in ("train", "validation", "test")}
    metrics = evaluation.metrics(scored, prepared.scale, settings.seed)
    # Built anew: a graph traced for a GPU holds operations that no CPU has.
    portable = models.build(settings, table, prepared.first_trained_id, use_cudnn=False)
    portable.set_weights(model.get_weights())
    version = export.export(output / "export" / "reviews", prepared, portable, dataclasses.asdict(settings), metrics)
    report = {
        **metrics,
        "best_epoch": state.best_epoch,
        "history": list(state.history),
        "export": str(version.relative_to(output)),
        **job_folder.read(str(output)),
    }
    storage.write_json(str(output), "metrics.json", report)
    storage.clear_temporary(str(output))
    return report


def main(argv=None) -> int:
    settings, others = flags.parse(TrainerSettings, MODULE, argv, preset_values)
    flags.refuse_unknown(others, TrainerSettings, MODULE)
    report = run(settings)
    for split in ("train", "validation", "test"):
        if report[split]["rows"]:
            figures = report[split]
            print(
                f"{split}: {figures['rows']:,} reviews, mean absolute error {figures['mae']:.3g} "
                f"({figures['mae_share']:.3f} of the scale; median {figures['median']['mae_share']:.3f}, "
                f"random guess {figures['random_guess']['mae_share']:.3f})"
            )
    print(
        f"best epoch {report['best_epoch']} of {len(report['history'])}; exported {settings.output}/{report['export']}"
    )
    return 0


if __name__ == "__main__":
    flags.run(main)
