"""Fits a model to prepared reviews, exports it, and reports how good it is.

    python -m trainer.task --data prepared --output trained --model cnn

Read from top to bottom, `_run` is the whole of it. After every epoch the run is saved, so the same
command continues an interrupted run.
"""

import dataclasses
import json
import math
import os
import pathlib

from beam_pipelines.commands import entry, flags, job_folder
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from trainer.settings import MODULE, TrainerSettings, preset_values

OUTPUTS = ["metrics.json", "report.html", "plots/*.png", "model.txt", "tuning.csv", "logs/*", "checkpoints/*"]
# Settings that may differ between an interrupted run and the one that continues it.
FREE_SETTINGS = ("output", "overwrite", "data")
RIVALS = ("tfidf_ridge", "median", "random_guess")


def claim(settings: TrainerSettings, prepared) -> None:
    """Makes the output folder this run's, or goes on with an interrupted run's.

    Raises:
      UserError: The folder holds a finished run, another run's settings or data, or other files.
    """
    new = job_folder.manifest(MODULE, settings, OUTPUTS, data_digest=prepared.digest())
    old = job_folder.read(settings.output)
    goes_on = old and old["command"] == MODULE and job_folder.RECLAIMABLE not in old
    if goes_on and not settings.overwrite:
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
    # As they are written: a tuple comes back as a list.
    for name, value in json.loads(json.dumps(new["settings"])).items():
        if name not in FREE_SETTINGS and old["settings"].get(name) != value:
            return f"--{name} {old['settings'].get(name)}, not {value}"
    return None if old["data_digest"] == new["data_digest"] else "other data"


def run(settings: TrainerSettings) -> dict:
    """Fits, evaluates, exports and reports; `metrics.json` is written last.

    Raises:
      UserError: Something in the settings or the folders is to be mended.
    """
    # Downloads nothing for an output that cannot be reached.
    storage.exists(storage.join(settings.output, job_folder.MANIFEST))
    with storage.local_copy(settings.data) as folder:
        entry.import_tensorflow()
        from trainer import data, mirrors

        prepared = data.PreparedReviews.load(folder, settings.data)
        if settings.tune and not prepared.rows("validation"):
            raise UserError("--tune needs validation reviews: prepare the data with a --validation_share above 0")
        mirrors.restore(settings.output)
        claim(settings, prepared)
        in_folder = job_folder.freed_on_failure(settings.output, unless="checkpoints/*")
        with in_folder, mirrors.working_folder(settings.output) as output:
            return _run(settings, prepared, output)


def _run(settings: TrainerSettings, prepared, output: pathlib.Path) -> dict:
    import keras
    import tensorflow as tf

    from trainer import data, export, mirrors
    from trainer.architectures import optimizer, table
    from trainer.fitting import fitting, tuning, warm_start
    from trainer.judging import baselines, evaluation, report, report_sections

    entry.start_collector()
    if not tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()
        tell_idle_gpu()
    copied = mirrors.Mirrors(output, settings.output)
    scale = prepared.scale
    architecture_class = table.ARCHITECTURES[settings.model].load(settings.preset)
    head = architecture_class.head_for(scale.to_unit(data.scores(prepared, "train")))
    if settings.tune:
        tried = tuning.best(settings, prepared, head, output, saved=copied.save)
        settings = dataclasses.replace(settings, **tried)
    keras.utils.set_random_seed(settings.seed)
    with optimizer.precision(mixed=settings.mixed_precision):
        architecture = fitting.compiled(settings, prepared, head)
        if settings.warm_start:
            warm_start.load(settings.warm_start, architecture, prepared, head)
        _tell_sizes(settings, architecture.model, prepared, output)
        state = fitting.fit(architecture.model, prepared, head, settings, output, saved=copied.save)
    # Built anew, in float32: a graph traced for a GPU or in half precision holds what no CPU has.
    portable = fitting.built(settings, prepared, head, use_cudnn=False)
    portable.model.set_weights(architecture.model.get_weights())

    logger.info("evaluating")
    predict = evaluation.predictor(portable.model)
    splits = {split: evaluation.score_split(predict, prepared, split) for split in evaluation.SPLITS}
    head = evaluation.with_best_temperature(head, splits["validation"], scale)
    threshold = evaluation.calibrate(head, splits["validation"], scale, settings.interval)
    if math.isinf(threshold):
        logger.warning("too few validation reviews to calibrate the interval: it is the whole scale")
    figures = baselines.beside_baselines(head, splits, threshold, scale, share=settings.interval, seed=settings.seed)
    scorer = export.ReviewScorer(prepared.transform_graph, portable, head, threshold, scale)
    interval = {
        "share": settings.interval,
        "calibration_rows": int(splits["validation"].in_calibration_half.sum()),
        "threshold": threshold if math.isfinite(threshold) else None,
    }
    used = {"trainer_settings": dataclasses.asdict(settings), "interval": interval, "head": head.about()}
    about = {"model": portable.model.name, "metrics": figures, **used}
    version = export.export(output / "export" / "reviews", prepared, scorer, about)
    found = {
        **figures,
        **used,
        "best_epoch": state.best_epoch,
        "history": list(state.history),
        "export": str(version.relative_to(output)),
        **job_folder.read(str(output)),
    }
    answers = {name: evaluation.predictions(head, split.outputs, threshold, scale) for name, split in splits.items()}
    report.write(output, report_sections.Run(settings, prepared, portable, head, splits, answers, scorer, found))
    copied.publish(found["export"])
    storage.write_json(settings.output, "metrics.json", found)
    storage.clear_temporary(settings.output)
    return found


def _tell_sizes(settings: TrainerSettings, model, prepared, output: pathlib.Path) -> None:
    """Writes the model's summary, and says before the first step how much there is to do."""
    from trainer import data

    summary = []
    model.summary(print_fn=lambda line, **_: summary.append(line))
    storage.write_bytes(str(output), "model.txt", "\n".join([*summary, ""]).encode())
    replicas = model.distribute_strategy.num_replicas_in_sync
    steps = data.steps(prepared.rows("train"), settings.batch_size, replicas)
    rows = ", ".join(f"{prepared.rows(split):,} {split}" for split in ("train", "validation", "test"))
    logger.info("%s reviews; vocabulary %s", rows, " x ".join(f"{size:,}" for size in prepared.vectors().shape))
    logger.info(
        "fitting %s (%s): %s parameters to learn, %s steps an epoch, at most %d epochs, on %s",
        settings.model,
        settings.preset,
        f"{sum(math.prod(weight.shape) for weight in model.trainable_weights):,}",
        f"{steps:,}",
        settings.epochs,
        _devices(replicas),
    )


def tell_idle_gpu() -> None:
    """Warns where a GPU is there but TensorFlow, which says so in no line that is shown, cannot use it."""
    if entry.has_nvidia_device() and "CUDA_VISIBLE_DEVICES" not in os.environ:
        logger.warning(
            "this machine has an NVIDIA GPU that TensorFlow cannot use: install the libraries it needs with "
            "pip install --constraint requirements.lock '.[gpu]'; going on without it"
        )


def _devices(replicas: int) -> str:
    import tensorflow as tf

    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    return f"{replicas} {kind}s" if replicas > 1 else f"one {kind}"


def main(argv=None) -> int:
    settings, others = flags.parse(TrainerSettings, MODULE, argv, preset_values)
    flags.refuse_unknown(others, TrainerSettings, MODULE)
    found = run(settings)
    for split in ("train", "validation", "test"):
        if not found[split]["rows"]:
            continue
        of_split = found[split]
        rivals = [f"{name.replace('_', ' ')} {of_split[name]['mae_share']:.3f}" for name in RIVALS if name in of_split]
        print(
            f"{split}: {of_split['rows']:,} reviews, mean absolute error {of_split['mae']:.3g}, or "
            f"{of_split['mae_share']:.3f} of the scale{' (' + ', '.join(rivals) + ')' if rivals else ''}; "
            f"{of_split['coverage']:.0%} in their interval"
        )
    print(
        f"kept epoch {found['best_epoch']} of {len(found['history'])}; exported {settings.output}/{found['export']}\n"
        f"the report: {settings.output}/report.html"
    )
    return 0


if __name__ == "__main__":
    entry.run_command(main)
