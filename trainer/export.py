"""Exports a fitted model: writes a version of a SavedModel, and publishes it when it is whole."""

import datetime
import hashlib
import os
import pathlib
import time

import tensorflow as tf

from beam_pipelines.artifacts import exports
from beam_pipelines.artifacts.exports import ExportInfo, FixedText, Interval, Verdict
from beam_pipelines.commands import job_folder
from beam_pipelines.files import leases, storage
from serving import warm_up
from trainer.architectures.heads import Head
from trainer.prepared_reviews import PreparedReviews
from trainer.review_scorer import ReviewScorer

# What a scorer must get right however it is built; their scores stand in reviews.json.
FIXED_TEXTS = (
    "",
    " \t ",
    "a",
    "An excellent record: every song is better than the last, and the final one is a masterpiece.",
    "A boring, terrible waste of time. I want my money back!",
    "It's neither good nor bad; the middle part drags, but the ending more than makes up for it.",
    "GREAT band, great ALBUM 🤘🔥 <br /><br />10/10",
    "NUL\x00 inside, a 'quoted' word, caf\u00e9 na\u00efve \u0130stanbul \u0416\u0418\u0417\u041d\u042c \u4e16\u754c",
    "I didn\u2019t like it\u2014isn\u2018t \u201cgood\u201d\u2026 ok\U0001f600 \U0001f44d\U0001f3fd\uff01\u2764\ufe0f",
    "no\u00a0break,\u3000wide, so\u00adft, zero\u200b width?! \u00a1ol\u00e9! \U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7",
    "x" * 10_000,
    "good " * 6_000,
)


def export(
    versions: pathlib.Path,
    prepared: PreparedReviews,
    scorer: ReviewScorer,
    *,
    model: str,
    metrics: dict,
    trainer_settings: dict,
    interval: Interval,
    head: Head,
    verdict: Verdict | None,
) -> pathlib.Path:
    """Writes a new version and publishes it by rename.

    Args:
      versions: The folder of versions, such as `trained/export/reviews`.
      prepared: What the model was fitted to.
      scorer: Of a float32 model that runs without a GPU.
      model: The name of its architecture, for `reviews.json`; so are all that follow.
      metrics: By split.
      trainer_settings: Of the command.
      interval: Of the scores.
      head: What reads the model's outputs.
      verdict: What the model is worth.

    Returns:
      The folder of the new version.
    """
    # A server that watches the folder of versions must not see one that is half written.
    aside = pathlib.Path(storage.temporary_folder(str(versions.parent)), str(time.time_ns()))
    _save(scorer, aside)
    statistics = prepared.statistics
    _write_warm_up(aside, round(statistics.tokens_per_review["50%"]))
    info = ExportInfo(
        score_column=statistics.settings["score_column"] or statistics.settings["title_column"],
        score_min=prepared.scale.low,
        score_max=prepared.scale.high,
        max_tokens=statistics.settings["max_tokens"],
        training=statistics.training,
        preprocess_settings=statistics.settings,
        model=model,
        metrics=metrics,
        trainer_settings=trainer_settings,
        interval=interval,
        head=head.about(),
        versions=job_folder.versions(),
        digests=digests(aside),
        fixed_texts=_served_texts(aside),
        verdict=verdict,
        tokenizer=prepared.rule,
    )
    storage.write_json(str(aside), exports.INFO, info.to_json())
    leases.clear_temporary(str(aside))
    return _publish(aside, versions, scorer.version)


def _save(scorer: ReviewScorer, folder: pathlib.Path) -> None:
    """Writes the SavedModel, with the signatures that a server lists."""
    functions = scorer.serve, scorer.explain, scorer.serve_examples, scorer.regress
    tf.saved_model.save(scorer, str(folder), signatures=dict(zip(exports.SIGNATURES, functions, strict=True)))
    # A server's Regress refuses a signature that is saved as one of Predict, as TensorFlow saves all.
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(folder))
    updater.replace_method_name(
        signature_key=exports.REGRESS, method_name=tf.saved_model.REGRESS_METHOD_NAME, tags=tf.saved_model.SERVING
    )
    updater.save()


def _write_warm_up(folder: pathlib.Path, tokens: int) -> None:
    path = folder / warm_up.FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for call in warm_up.calls(tokens):
            writer.write(warm_up.prediction_log(call).SerializeToString(deterministic=True))


def next_version(versions: pathlib.Path) -> int:
    """Chooses the number of a new version in a folder of them: the time in UTC as YYYYMMDDhhmmss."""
    now = int(datetime.datetime.now(datetime.UTC).strftime("%Y%m%d%H%M%S"))
    # A server takes the greatest number for the newest, so numbers must grow even if the clock was set back.
    paths = versions.iterdir() if versions.exists() else []
    newest = max((int(path.name) for path in paths if path.name.isdecimal()), default=0)
    return max(now, newest + 1)


def _served_texts(folder: pathlib.Path) -> list[FixedText]:
    """Serves the fixed texts from what was written, as whoever checks it later will."""
    served = tf.saved_model.load(str(folder)).signatures["serving_default"](text=tf.constant(FIXED_TEXTS))
    columns = {name: values.numpy().tolist() for name, values in served.items()}
    return [
        FixedText(text=text, **{name: columns[name][row] for name in (*exports.SCORES, *exports.EXACT_RESULTS)})
        for row, text in enumerate(FIXED_TEXTS)
    ]


def digests(folder: pathlib.Path) -> dict[str, str]:
    """Computes the SHA-256 of every file of a SavedModel."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _publish(aside: pathlib.Path, versions: pathlib.Path, version: int) -> pathlib.Path:
    """Renames a whole version into its place, where it will be after a power cut."""
    storage.sync_tree(aside)
    storage.make_folder(versions)
    published = versions / str(version)
    os.rename(aside, published)
    storage.sync_folder(versions)
    leases.clear_temporary(str(versions.parent))
    return published
