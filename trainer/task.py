"""Fits a model to prepared reviews, exports it, and reports how good it is.

    python -m trainer.task --data prepared --output trained --model cnn

After every epoch the run is saved, so the same command continues an interrupted run. What a run does stands in
`trainer.training_run`.
"""

import json
from typing import TYPE_CHECKING

from beam_pipelines.artifacts import exports, trained
from beam_pipelines.artifacts.prepared import SPLITS, VALIDATION
from beam_pipelines.commands import entry, flags, job_folder, job_lock
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from trainer import output_copies
from trainer.settings import MODULE, TrainerSettings, preset_values

if TYPE_CHECKING:
    from trainer.prepared_reviews import PreparedReviews

# Settings that may differ between an interrupted run and the one that continues it.
FREE_SETTINGS = ("output", "overwrite", "data")
AFTER_INTERRUPTION = "without --overwrite, the same command goes on after the last epoch that was saved"
RIVALS = ("tfidf_logistic", "tfidf_ridge", "median", "random_guess")


def claim(settings: TrainerSettings, prepared: "PreparedReviews") -> None:
    """Makes the output folder this run's, or goes on with an interrupted run's.

    Raises:
      UserError: The folder holds a finished run, another run's settings or data, or other files.
    """
    new = job_folder.manifest(MODULE, settings, trained.OUTPUTS, data_digest=prepared.digest())
    old = job_folder.read(settings.output)
    if old and old["command"] == MODULE and job_folder.RECLAIMABLE not in old and not settings.overwrite:
        if storage.exists(storage.join(settings.output, trained.METRICS)):
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
    if kept := exports.versions(storage.join(settings.output, exports.VERSIONS)):
        logger.info(
            "versions %s stay in %s/%s, and the new one comes beside them",
            ", ".join(map(str, kept)),
            settings.output,
            exports.VERSIONS,
        )


def _difference(old: dict, new: dict) -> str | None:
    # As they are written: a tuple comes back as a list.
    for name, value in json.loads(json.dumps(new["settings"])).items():
        if name not in FREE_SETTINGS and old["settings"].get(name) != value:
            return f"--{name} {old['settings'].get(name)}, not {value}"
    return None if old["data_digest"] == new["data_digest"] else "other data"


def run(settings: TrainerSettings) -> dict:
    """Claims the output folder and trains there; returns what `metrics.json` holds.

    Raises:
      UserError: Something in the settings or the folders is to be mended.
    """
    patience = output_copies.patience()
    with job_lock.only_job(settings.output, patience=patience), storage.local_copy(settings.data) as folder:
        # TensorFlow and Keras take seconds: --help and most mistakes are answered without them.
        entry.import_tensorflow()
        from trainer.prepared_reviews import PreparedReviews
        from trainer.training_run import refuse_blind_search, train

        prepared = PreparedReviews.load(folder, settings.data)
        refuse_blind_search(settings, prepared)
        output_copies.restore(settings.output)
        claim(settings, prepared)
        # A run that has saved no epoch leaves nothing that the next one could go on from.
        in_folder = job_folder.freed_on_failure(settings.output, unless=f"{trained.CHECKPOINTS}/*")
        with in_folder, output_copies.working_folder(settings.output) as output:
            return train(settings, prepared, output)


def main(argv: list[str] | None = None, program: str = f"python -m {MODULE}") -> int:
    settings, others = flags.parse(TrainerSettings, program, argv, preset_values)
    flags.refuse_unknown(others, TrainerSettings, program)
    metrics = run(settings)
    for split in SPLITS:
        if metrics[split]["rows"]:
            out_of_fold = " out of fold" if split == VALIDATION and metrics["folds"] else ""
            print(_result_line(f"{split}{out_of_fold}", metrics[split]))
    print(
        f"kept epoch {metrics['best_epoch']} of {len(metrics['history'])}; "
        f"exported {settings.output}/{metrics['export']}\n"
        f"the report: {settings.output}/{trained.REPORT}"
    )
    if metrics["verdict"] and metrics["verdict"]["sentence"]:
        print(metrics["verdict"]["sentence"])
    return 0


def _result_line(name: str, figures: dict) -> str:
    rivals = [f"{name.replace('_', ' ')} {figures[name]['mae_share']:.3f}" for name in RIVALS if name in figures]
    return (
        f"{name}: {figures['rows']:,} reviews, mean absolute error {figures['mae']:.3g}, or "
        f"{figures['mae_share']:.3f} of the scale{' (' + ', '.join(rivals) + ')' if rivals else ''}; "
        f"{figures['coverage']:.0%} in their interval"
    )


if __name__ == "__main__":
    entry.run_command(main, after_interruption=AFTER_INTERRUPTION)
