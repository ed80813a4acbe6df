"""Checks that an export is fit to serve: it loads with TensorFlow alone and scores as it did.

    python -m serving.check trained/export/reviews/20260101120000

The export is copied to an empty folder and loaded there by a process that imports nothing but
TensorFlow. Its files must be those that were exported, and its scores of the fixed texts those in
`assets.extra/reviews.json`.
"""

import argparse
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

AFTER_INTERRUPTION = "the same command begins anew"
PROBE = pathlib.Path(__file__).with_name("probe.py")
# A CPU build of TensorFlow Serving has none of these.
UNSERVABLE_OPS = {"CudnnRNN", "CudnnRNNV2", "CudnnRNNV3", "EagerPyFunc", "PyFunc", "XlaCallModule", "XlaLaunch"}


def check(export: exports.Export) -> dict:
    """Probes an export in a clean process.

    Returns:
      What `serving.probe` prints, with `largest_gap`, in the archive's unit.

    Raises:
      UserError: It does not load, holds weights that are not finite, scores otherwise than it did, or holds an
        operation that TensorFlow Serving lacks.
    """
    probed = _probe(export)
    if probed["not_finite"]:
        raise UserError(
            f"{export.path} holds weights that are no finite numbers, and so will be some scores: "
            f"{', '.join(probed['not_finite'])}; train it again",
            status=1,
        )
    comparison = export.info.compare(probed["outputs"])
    if comparison.fault:
        raise UserError(f"{export.path} {comparison.fault}", status=1)
    lacking = [*UNSERVABLE_OPS.intersection(probed["ops"]), *probed["loaded"]]
    if lacking:
        raise UserError(f"{export.path} needs what TensorFlow Serving lacks: {lacking}", status=1)
    return {**probed, "largest_gap": comparison.largest_gap}


def _probe(export: exports.Export) -> dict:
    """Loads a copy of the export with TensorFlow alone: no other file of its folder can help it there."""
    with tempfile.TemporaryDirectory() as folder:
        for name in storage.listing(export.path):
            copy = pathlib.Path(folder, name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(storage.read_bytes(storage.join(export.path, name)))
        for name in export.info.changed_files(folder):
            raise UserError(f"{export.path}/{name} is not the file that was exported", status=1)
        ended = subprocess.run(
            [sys.executable, "-I", str(PROBE), folder],
            input=json.dumps([fixed.text for fixed in export.info.fixed_texts]),
            capture_output=True,
            text=True,
            cwd=folder,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        )
    if ended.returncode:
        raise UserError(f"{export.path} does not load with TensorFlow alone:\n{ended.stderr[-2000:]}", status=1)
    return json.loads(ended.stdout.splitlines()[-1])


def main(argv: list[str] | None = None, program: str = "python -m serving.check") -> int:
    parser = flags.Parser(
        prog=program,
        description=flags.called(__doc__, program),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "export",
        type=os.path.expanduser,
        metavar="EXPORT",
        help="a version, a folder of versions, or the trainer's output",
    )
    export = exports.find(parser.parse_args(argv).export, "EXPORT")
    checked = check(export)
    print(f"{export.path} loads with TensorFlow alone")
    for name, signature in sorted(checked["signatures"].items()):
        for way, tensors in signature.items():
            listed = ", ".join(f"{tensor} {kind}" for tensor, kind in sorted(tensors.items()))
            print(f"  {name} {way}: {listed}")
    print(f"  {len(checked['ops'])} operations: {' '.join(checked['ops'])}")
    print(
        f"  fixed texts: {len(export.info.fixed_texts)} scores equal within {checked['largest_gap']:.2g}\n"
        f"  one review {checked['one_review_ms']:.1f} ms, {checked['batch']} reviews {checked['batch_ms']:.1f} ms"
    )
    return 0


if __name__ == "__main__":
    entry.run_command(main, after_interruption=AFTER_INTERRUPTION)
