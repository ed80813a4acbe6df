"""Checks that an export is fit to serve: it loads with TensorFlow alone and answers as it did.

    python -m serving.check trained/export/reviews/20260101120000
    python -m serving.check trained --against /models/reviews --sample 'fresh/*.csv'
    python -m serving.check trained --server 127.0.0.1:8501

The export is copied to an empty folder and loaded there by a process that imports nothing but
TensorFlow. Its files must be those that were exported, and what each signature answers about the fixed
texts what stands in `assets.extra/reviews.json`. Its warm-up is replayed, and requests with reviews as
long as those that it learned from are timed.

With --against, the same reviews are scored with an older version too, and the check fails where scores
move too far: it is the gate before a model that others rely on is replaced.
"""

import argparse
import os
from typing import TYPE_CHECKING

from beam_pipelines.artifacts import exports
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.commands import entry, flags
from beam_pipelines.errors import UserError
from serving.checking import gate_flags, server_flags

if TYPE_CHECKING:
    from serving.checking.export_check import Checked
    from serving.checking.sample_reviews import SampleReviews
    from serving.checking.server_check import CheckedServer

AFTER_INTERRUPTION = "the same command begins anew"
NOT_PASSED = 1


def main(argv: list[str] | None = None, program: str = "python -m serving.check") -> int:
    parser = parser_for(program)
    given = parser.parse_args(argv)
    if bool(given.against) != bool(given.sample):
        parser.error("--against OLD and --sample ARCHIVE go together")
    if given.tokens is not None and given.tokens < 1:
        parser.error(f"--tokens {given.tokens} must be at least 1")
    export = exports.find(given.export, "EXPORT")
    old = exports.find(given.against, "--against") if given.against else None
    if old and old.path == export.path:
        raise UserError(f"--against {given.against} is the version that is checked; name the one that it would replace")
    # Read first: a check of seconds should not come before a wrong flag.
    sample = _read_sample(export, given) if old else None
    if given.server:
        _check_server(export, given)
    else:
        _check_export(export, given)
    if old and sample:
        _compare(old, export, sample, given)
    return 0


def _read_sample(export: Export, given: argparse.Namespace) -> "SampleReviews":
    entry.import_tensorflow()
    from serving.checking import sample_reviews

    return sample_reviews.read(given, export.info)


def parser_for(program: str) -> flags.Parser:
    """Builds the command's parser."""
    parser = flags.described(program, __doc__)
    flags.add_export(parser)
    parser.add_argument(
        "--tokens",
        type=int,
        metavar="N",
        help="how long the timed reviews are (default: the median of those that it learned from)",
    )
    parser.add_argument("--verbose", action="store_true", help="also list inputs, outputs and operations")
    server_flags.add(parser.add_argument_group("a live server"))
    gate = parser.add_argument_group("the gate before a live model is replaced")
    gate.add_argument("--against", type=os.path.expanduser, metavar="OLD", help="the model that it would replace")
    gate_flags.add_sample(gate)
    gate_flags.add_limits(gate)
    gate.add_argument(
        "--report",
        type=os.path.expanduser,
        metavar="FILE",
        help="write what moved, with the ten reviews that moved furthest, to an HTML file",
    )
    return parser


def _check_export(export: Export, given: argparse.Namespace) -> None:
    from serving.checking import export_check

    checked = export_check.check(export, given.tokens)
    print(f"{export.path} loads with TensorFlow alone", *described(checked, verbose=given.verbose), sep="\n  ")


def _check_server(export: Export, given: argparse.Namespace) -> None:
    """Asks a live server, by each protocol.

    Raises:
      UserError: It cannot be reached, or answers otherwise.
    """
    from serving.checking import export_check, server_check

    tokens = given.tokens or export_check.typical_tokens(export)
    for connection in server_flags.connections(given, export.version):
        checked = server_check.check(export, connection, tokens)
        answered = f"{', '.join(checked.signatures)} answer within {checked.largest_gap:.2g} of what was recorded"
        print(f"{connection} serves version {export.version}", answered, *latencies(checked), sep="\n  ")


def _compare(old: Export, new: Export, sample: "SampleReviews", given: argparse.Namespace) -> None:
    """Scores a sample with both versions.

    Raises:
      UserError: Scores move further than is allowed.
    """
    from serving.checking import comparison, comparison_report

    limits = gate_flags.ShiftLimits.of(given)
    compared = comparison.compare(old, new, sample)
    faults = comparison.faults(compared, limits)
    print(f"against version {old.version}", *comparison_report.lines(compared, new), sep="\n  ")
    if given.report:
        comparison_report.write(given.report, old, new, compared, faults)
        print(f"the report is {given.report}")
    if faults:
        raise UserError(f"{new.path} does not pass against {old.path}: {'; '.join(faults)}", status=NOT_PASSED)


def described(checked: "Checked", *, verbose: bool) -> list[str]:
    """What the command says of an export that passed, a line each; `verbose` adds tensors and operations."""
    tensors = [
        f"{name} {way}: " + ", ".join(f"{tensor} {kind}" for tensor, kind in sorted(tensors.items()))
        for name, signature in sorted(checked.signatures.items())
        for way, tensors in signature.items()
    ]
    return [
        *([*tensors, f"operations: {' '.join(checked.ops)}"] if verbose else []),
        f"signatures {', '.join(sorted(checked.signatures))}; {len(checked.ops)} operations, none of them custom",
        f"fixed texts: {checked.fixed_texts} scores equal within {checked.largest_gap:.2g}",
        f"{checked.size_mb:.1f} MB of files, loaded in {checked.load_seconds:.1f} s, "
        f"{checked.memory_mb:.0f} MB of memory beside TensorFlow's own",
        f"{checked.warm_up_requests or 'no'} requests of warm-up",
        *latencies(checked),
    ]


def latencies(checked: "Checked | CheckedServer") -> list[str]:
    """How long requests took, a line for each of their sizes."""
    return [
        f"a request of {rows} {'review' if rows == 1 else 'reviews'} of {checked.tokens} tokens: "
        f"p50 {latency.p50:.2f} ms, p99 {latency.p99:.2f} ms, the first {latency.first:.1f} ms"
        for rows, latency in checked.latency.items()
    ]


if __name__ == "__main__":
    entry.run_command(main, after_interruption=AFTER_INTERRUPTION)
