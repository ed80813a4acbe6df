"""Checks that an export is fit to serve: it loads with TensorFlow alone and scores as it did.

    python -m serving.check trained/export/reviews/20260101120000

The export is copied to an empty folder and loaded there by a process that imports nothing but
TensorFlow. Its files must be those that were exported, and its scores of the fixed texts those in
`assets.extra/reviews.json`.
"""

import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from beam_pipelines.artifacts import exports
from beam_pipelines.commands import entry, flags
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage

PROBE = pathlib.Path(__file__).with_name("probe.py")
# As a share of the range: float32 rounding differs between machines.
TOLERANCE = 1e-5
# A CPU build of TensorFlow Serving has none of these.
UNSERVABLE_OPS = {"CudnnRNN", "CudnnRNNV2", "CudnnRNNV3", "EagerPyFunc", "PyFunc", "XlaCallModule", "XlaLaunch"}


def check(export: exports.Export) -> dict:
    """Probes an export in a clean process.

    Returns:
      What `serving.probe` found, with `largest_gap`, in the archive's unit.

    Raises:
      UserError: It does not load, scores otherwise than it did, or holds an operation that
        TensorFlow Serving lacks.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in storage.listing(export.path):
            copy = pathlib.Path(folder, name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(storage.read_bytes(storage.join(export.path, name)))
        for name, digest in export.about["digests"].items():
            if hashlib.sha256(pathlib.Path(folder, name).read_bytes()).hexdigest() != digest:
                raise UserError(f"{export.path}/{name} is not the file that was exported", status=1)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        ended = subprocess.run(
            [sys.executable, "-I", str(PROBE), folder], capture_output=True, text=True, cwd=folder, env=environment
        )
    if ended.returncode:
        raise UserError(f"{export.path} does not load with TensorFlow alone:\n{ended.stderr[-2000:]}", status=1)
    found = json.loads(ended.stdout.splitlines()[-1])
    found["largest_gap"] = _largest_gap(found["outputs"], export)
    refused = UNSERVABLE_OPS.intersection(found["ops"])
    if refused or found["loaded"]:
        raise UserError(f"{export.path} needs what TensorFlow Serving lacks: {[*refused, *found['loaded']]}", status=1)
    return found


def _largest_gap(outputs: dict[str, list], export: exports.Export) -> float:
    fixed = export.about["fixed_texts"]
    names = ("score", "score_low", "score_high")
    gap = max(abs(score - one[name]) for name in names for score, one in zip(outputs[name], fixed, strict=True))
    allowed = TOLERANCE * (export.about["score_max"] - export.about["score_min"])
    if not gap <= allowed:
        raise UserError(f"{export.path} scores its fixed texts up to {gap:g} otherwise than when exported", status=1)
    for name in ("tokens", "known_share", "truncated"):
        if any(abs(value - one[name]) > 1e-6 for value, one in zip(outputs[name], fixed, strict=True)):
            raise UserError(f"{export.path} gives other {name} for its fixed texts than when exported", status=1)
    return gap


def main(argv=None) -> int:
    parser = flags.Parser(
        prog="python -m serving.check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("export", metavar="EXPORT", help="a version, a folder of versions, or the trainer's output")
    export = exports.find(parser.parse_args(argv).export, "EXPORT")
    found = check(export)
    print(f"{export.path} loads with TensorFlow alone")
    for name, signature in sorted(found["signatures"].items()):
        for way, tensors in signature.items():
            listed = ", ".join(f"{tensor} {kind}" for tensor, kind in sorted(tensors.items()))
            print(f"  {name} {way}: {listed}")
    print(f"  {len(found['ops'])} operations: {' '.join(found['ops'])}")
    print(
        f"  fixed texts: {len(export.about['fixed_texts'])} scores equal within {found['largest_gap']:.2g}\n"
        f"  one review {found['one_review_ms']:.1f} ms, {found['batch']} reviews {found['batch_ms']:.1f} ms"
    )
    return 0


if __name__ == "__main__":
    entry.run_command(main)
