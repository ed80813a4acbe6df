"""The check of an export on its own: it loads with TensorFlow alone and answers as it did when it was exported."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np

from beam_pipelines.artifacts import exports
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage
from serving import warm_up
from serving.calls import SignatureCall
from serving.checking import recorded_answers

PROBE = pathlib.Path(__file__).with_name("probe.py")
# A CPU build of TensorFlow Serving has none of these.
UNSERVABLE_OPS = {"CudnnRNN", "CudnnRNNV2", "CudnnRNNV3", "EagerPyFunc", "PyFunc", "XlaCallModule", "XlaLaunch"}
# An export that neither loads nor fails for so long, in seconds, does not pass.
PROBE_TIMEOUT_S = 3600
# How often a request of so many reviews is timed; the 99th percentile is then that of some dozen of the slowest.
RUNS = {1: 1000, 32: 200}


@dataclasses.dataclass(frozen=True)
class Latency:
    """How long requests take, in milliseconds: the first one, the median and the 99th percentile of later ones."""

    first: float
    p50: float
    p99: float


@dataclasses.dataclass(frozen=True)
class Checked:
    """What is known of an export that passed.

    Attributes:
      signatures: By name, its `inputs` and `outputs` with their types and shapes.
      ops: The operations of its graph.
      largest_gap: Between its scores of the fixed texts and the recorded ones, in the archive's unit.
      fixed_texts: How many there are.
      tokens: How long a review is that is timed.
      latency: By the number of reviews in a request.
      warm_up_requests: How many came first.
      load_seconds: What it took to load.
      size_mb: Its files.
      memory_mb: What a process with TensorFlow holds more for having loaded it and answered; 0 where it is not known.
    """

    signatures: dict[str, dict[str, dict[str, str]]]
    ops: list[str]
    largest_gap: float
    fixed_texts: int
    tokens: int
    latency: dict[int, Latency]
    warm_up_requests: int
    load_seconds: float
    size_mb: float
    memory_mb: float


def check(export: Export, tokens: int | None = None) -> Checked:
    """Probes an export in a clean process.

    Args:
      export: It.
      tokens: How long the timed reviews are; by default as long as those that it learned from.

    Raises:
      UserError: It does not load, holds weights that are not finite, answers otherwise than it did, or holds an
        operation that TensorFlow Serving lacks.
    """
    texts = [fixed.text for fixed in export.info.fixed_texts]
    tokens = tokens or typical_tokens(export)
    with tempfile.TemporaryDirectory() as folder:
        size = _copy(export, folder)
        warm = pathlib.Path(folder, warm_up.FILE)
        # Exports of earlier versions have none, and only two of the signatures.
        is_warm = warm.exists()
        signatures = exports.SIGNATURES if is_warm else exports.SIGNATURES[:2]
        fixed = [SignatureCall.of(signature, texts) for signature in signatures]
        warm_calls = list(warm_up.read(warm.read_bytes())) if is_warm else []
        timed = {
            str(rows): SignatureCall.of(exports.SCORE, [warm_up.review(tokens)] * rows).to_json(runs=runs + 1)
            for rows, runs in RUNS.items()
        }
        plan = {
            "warm_up": [call.to_json() for call in warm_calls],
            "fixed": [call.to_json() for call in fixed],
            "timed": timed,
        }
        probed = _probe(export, folder, plan)
    _refuse_unservable(export, probed)
    gaps = []
    for call, outputs in zip(fixed, probed["outputs"], strict=True):
        compared = recorded_answers.compare(call.signature, outputs, export)
        if compared.fault:
            raise UserError(f"{export.path}: {call.signature} {compared.fault}", status=1)
        gaps.append(compared.largest_gap)
    return Checked(
        signatures=probed["signatures"],
        ops=probed["ops"],
        largest_gap=max(gaps),
        fixed_texts=len(texts),
        tokens=tokens,
        latency={rows: latency(probed["first_ms"][str(rows)], probed["ms"][str(rows)]) for rows in RUNS},
        warm_up_requests=len(warm_calls),
        load_seconds=probed["load_seconds"],
        size_mb=size / 1e6,
        memory_mb=probed["memory_mb"],
    )


def typical_tokens(export: Export) -> int:
    """The median length of the reviews that a model learned from, or the greatest that it reads."""
    return min(round(export.info.training.tokens_per_review["50%"]), export.info.max_tokens)


def latency(first_ms: float, later_ms: list[float]) -> Latency:
    """Sums up how long the first and the later requests took."""
    median, slow = np.percentile(later_ms, [50, 99])
    return Latency(first_ms, float(median), float(slow))


def _copy(export: Export, folder: str) -> int:
    """Copies an export: no other file of its folder can help it there. Returns its size in bytes.

    Raises:
      UserError: A file is not the one that was exported.
    """
    size = 0
    for name in storage.listing(export.path):
        copy, data = pathlib.Path(folder, name), storage.read_bytes(storage.join(export.path, name))
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
        size += len(data)
    for name in export.info.changed_files(folder):
        raise UserError(f"{export.path}/{name} is not the file that was exported", status=1)
    return size


def _probe(export: Export, folder: str, plan: dict) -> dict[str, Any]:
    try:
        ended = subprocess.run(
            [sys.executable, "-I", str(PROBE), folder],
            input=json.dumps(plan),
            capture_output=True,
            text=True,
            cwd=folder,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            timeout=PROBE_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{export.path} has not answered its requests within {PROBE_TIMEOUT_S} s", status=1) from error
    if ended.returncode:
        raise UserError(f"{export.path} does not load with TensorFlow alone:\n{ended.stderr[-2000:]}", status=1)
    return json.loads(ended.stdout.splitlines()[-1])


def _refuse_unservable(export: Export, probed: dict[str, Any]) -> None:
    if probed["not_finite"]:
        raise UserError(
            f"{export.path} holds weights that are not finite, so some scores would not be either: "
            f"{', '.join(probed['not_finite'])}; train it again",
            status=1,
        )
    lacking = [*UNSERVABLE_OPS.intersection(probed["ops"]), *probed["loaded"]]
    if lacking:
        raise UserError(f"{export.path} needs what TensorFlow Serving lacks: {lacking}", status=1)
