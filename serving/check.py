"""Checks that an export is fit to serve: it loads with TensorFlow alone and answers as it did.

    python -m serving.check trained/export/reviews/20260101120000

The export is copied to an empty folder and loaded there by a process that imports nothing but
TensorFlow. Its files must be those that were exported, and what each signature answers about the fixed
texts what stands in `assets.extra/reviews.json`. Its warm-up is replayed, and requests with reviews as
long as those that it learned from are timed.
"""

import argparse
import os

from beam_pipelines.artifacts import exports
from beam_pipelines.commands import entry, flags
from serving.checking import export_check
from serving.checking.export_check import Checked

AFTER_INTERRUPTION = "the same command begins anew"


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
    print(f"{export.path} loads with TensorFlow alone", *described(export_check.check(export)), sep="\n  ")
    return 0


def described(checked: Checked) -> list[str]:
    """What the command says of an export that passed, a line each."""
    signatures = [
        f"{name} {way}: " + ", ".join(f"{tensor} {kind}" for tensor, kind in sorted(tensors.items()))
        for name, signature in sorted(checked.signatures.items())
        for way, tensors in signature.items()
    ]
    latencies = [
        f"a request of {rows} {'review' if rows == 1 else 'reviews'} of {checked.tokens} tokens: "
        f"p50 {latency.p50:.2f} ms, p99 {latency.p99:.2f} ms, the first {latency.first:.1f} ms"
        for rows, latency in checked.latency.items()
    ]
    return [
        *signatures,
        f"{len(checked.ops)} operations, none of them custom: {' '.join(checked.ops)}",
        f"fixed texts: {checked.fixed_texts} scores equal within {checked.largest_gap:.2g}",
        f"{checked.size_mb:.1f} MB of files, loaded in {checked.load_seconds:.1f} s, "
        f"{checked.memory_mb:.0f} MB of memory beside TensorFlow's own",
        f"{checked.warm_up_requests or 'no'} requests of warm-up",
        *latencies,
    ]


if __name__ == "__main__":
    entry.run_command(main, after_interruption=AFTER_INTERRUPTION)
