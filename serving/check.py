"""Checks that an export is fit to serve, or that a live server is, and compares it with what it would replace.

python -m serving.check trained
"""

from typing import TYPE_CHECKING

from beam_pipelines.artifacts import exports
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.commands import entry, flags
from beam_pipelines.errors import UserError
from serving.checking import server_settings
from serving.checking.settings import MODULE, CheckSettings
from serving.publishing import live_folder

if TYPE_CHECKING:
    from serving.checking.export_check import Checked
    from serving.checking.sample_reviews import SampleReviews
    from serving.checking.server_check import CheckedServer

AFTER_INTERRUPTION = "the same command begins anew"
NOT_PASSED = 1


def main(argv: list[str] | None = None, program: str = f"python -m {MODULE}") -> int:
    settings, others = flags.parse(CheckSettings, program, argv)
    flags.refuse_unknown(others, CheckSettings, program)
    export = exports.find(settings.export, "EXPORT")
    if settings.tokens and settings.tokens > export.info.max_tokens:
        raise UserError(
            f"--tokens {settings.tokens}: the model reads {export.info.max_tokens} tokens of a review at most"
        )
    old = live_folder.live_export(settings.against, "--against") if settings.against else None
    if old and old.path == export.path:
        raise UserError(
            f"--against {settings.against} is the version that is checked; name the one that it would replace"
        )
    # Read first: a check of seconds should not come before a wrong flag.
    sample = _read_sample(export, settings) if old else None
    if settings.server is not None:
        _check_server(export, settings)
    else:
        _check_export(export, settings)
    if old and sample:
        _compare(old, export, sample, settings)
    return 0


def _read_sample(export: Export, settings: CheckSettings) -> "SampleReviews":
    entry.import_tensorflow()
    from serving.checking import sample_reviews

    return sample_reviews.read(settings, export.info)


def _check_export(export: Export, settings: CheckSettings) -> None:
    from serving.checking import export_check

    checked = export_check.check(export, settings.tokens)
    print(f"{export.path} loads with TensorFlow alone", *export_lines(checked, verbose=settings.verbose), sep="\n  ")


def _check_server(export: Export, settings: CheckSettings) -> None:
    """Asks a live server, by each protocol.

    Raises:
      UserError: It cannot be reached, or answers otherwise.
    """
    from serving.checking import export_check, server_check

    tokens = settings.tokens or export_check.typical_tokens(export)
    for connection in server_settings.connections(settings, export.version):
        checked = server_check.check(export, connection, tokens)
        answered = f"{', '.join(checked.signatures)} answer within {checked.largest_gap:.2g} of what was recorded"
        print(f"{connection} serves version {export.version}", answered, *latencies(checked), sep="\n  ")


def _compare(old: Export, new: Export, sample: "SampleReviews", settings: CheckSettings) -> None:
    """Scores a sample with both versions.

    Raises:
      UserError: Scores move further than is allowed.
    """
    from serving.checking import comparison, comparison_report

    compared = comparison.compare(old, new, sample, quoting=not settings.no_text_in_reports)
    faults = comparison.faults(compared, settings)
    print(f"against version {old.version}", *comparison_report.lines(compared, new), sep="\n  ")
    if settings.report:
        comparison_report.write(settings.report, old, new, compared, faults)
        print(f"the report is {settings.report}")
    if faults:
        raise UserError(f"{new.path} does not pass against {old.path}: {'; '.join(faults)}", status=NOT_PASSED)


def export_lines(checked: "Checked", *, verbose: bool) -> list[str]:
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
