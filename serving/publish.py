"""Puts a version into the folder that a server watches, and takes it out again.

    python -m serving.publish trained --to /models/reviews --sample 'fresh/*.csv' --keep 3
    python -m serving.publish --to /models/reviews --list
    python -m serving.publish --to /models/reviews --rollback

A version is published under its own number, at once or not at all, if it passes `serving.check`. With
--sample it is compared with the version that is live, the newest there or the newest that a service
pins: on rated reviews it may not err more, by over two standard errors of the paired difference; on
unrated ones its scores may not move too far. A server that follows the folder takes up the newest version
within seconds; --rollback takes that out of its sight. A service that serving.configure wrote serves what
it pins, which neither --rollback nor --keep takes away.

On an object store nothing can be renamed: there a server may see a version before it is whole, so pin a
`specific` version in its configuration, and change that when the new one stands.
"""

import argparse
import os

from beam_pipelines.artifacts import exports
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.commands import entry, flags, job_lock
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from serving.checking import gate_flags
from serving.publishing.live_folder import LiveFolder

AFTER_INTERRUPTION = "the same command goes on; locally nothing half-written is left"
NOT_PASSED = 1


def main(argv: list[str] | None = None, program: str = "python -m serving.publish") -> int:
    parser = parser_for(program)
    given = parser.parse_args(argv)
    if bool(given.export) + given.list + given.rollback != 1:
        parser.error("give one of EXPORT, --list and --rollback")
    if given.force is not None and not given.force.strip():
        parser.error("--force needs a reason, which is kept with the version")
    if given.keep is not None and given.keep < 1:
        parser.error(f"--keep {given.keep} would keep no version")
    folder = LiveFolder.of(given.to)
    if not storage.listing(folder.path) and (given.list or given.rollback):
        raise UserError(f"--to {given.to} is empty, or no folder at all")
    if given.list:
        print("\n".join(listed(folder)))
        return 0
    with job_lock.only_job(folder.path):
        if given.rollback:
            withdrawn, live = folder.withdraw()
            print(f"version {withdrawn} is withdrawn, {live} is live again")
        else:
            _publish(exports.find(given.export, "EXPORT"), folder, given)
    return 0


def parser_for(program: str) -> flags.Parser:
    """Builds the command's parser."""
    parser = flags.described(program, __doc__)
    parser.add_argument(
        "export",
        nargs="?",
        type=os.path.expanduser,
        metavar="EXPORT",
        help="what to publish: a version, a folder of versions (the newest is taken), or the trainer's output",
    )
    parser.add_argument(
        "--to",
        required=True,
        type=os.path.expanduser,
        metavar="DIR",
        help="the folder of versions that a server watches, local, gs:// or s3://; the trainer's output can be one",
    )
    parser.add_argument("--keep", type=int, metavar="N", help="then delete all but the newest N versions")
    parser.add_argument(
        "--force", metavar="REASON", help="publish even what does not pass; the reason is kept and listed"
    )
    parser.add_argument("--rollback", action="store_true", help="take the newest version out: the one before is live")
    parser.add_argument(
        "--list", action="store_true", help="list the versions: when published, their error, which is live"
    )
    gate = parser.add_argument_group(
        "the comparison with the version that is live",
        "A rated sample is judged by its errors alone, an unrated one by how far scores move.",
    )
    gate_flags.add_sample(gate)
    gate_flags.add_limits(gate)
    return parser


def _publish(export: Export, folder: LiveFolder, given: argparse.Namespace) -> None:
    if export.path == storage.join(folder.path, str(export.version)):
        raise UserError(f"{export.path} stands in --to {given.to} already, where a server that follows it finds it")
    folder.refuse_older(export)
    forced = fault = None
    try:
        _check(export, folder, given)
    except UserError as error:
        # What is wrong with a flag or the sample says nothing of the version.
        if error.status != NOT_PASSED:
            raise
        if given.force is None:
            raise UserError(f"not published: {error}; --force REASON publishes it all the same", NOT_PASSED) from error
        logger.warning("published in spite of this: %s", error)
        forced, fault = given.force, str(error)
    folder.add(export, forced, fault)
    print(f"version {export.version} is live in {folder.path}, wherever a server follows that folder")
    for service, versions in folder.pins().items():
        print(f"{service} pins {', '.join(map(str, versions))}: its README.md tells how to change the version there")
    deleted = folder.prune(given.keep) if given.keep else []
    if deleted:
        print(f"deleted {', '.join(map(str, deleted))}: --keep {given.keep}")


def _check(export: Export, folder: LiveFolder, given: argparse.Namespace) -> None:
    """Checks an export on its own and against what is live.

    Raises:
      UserError: It does not pass; or, with another status, a flag or the sample is to be mended.
    """
    from serving.checking import export_check

    version = folder.live if given.sample else None
    if version is None:
        if given.sample:
            logger.warning("%s holds no version yet: --sample has nothing to compare this one with", folder.path)
        export_check.check(export)
        return
    entry.import_tensorflow()
    from serving.checking import comparison, comparison_report, sample_reviews

    sample = sample_reviews.read(given, export.info)
    export_check.check(export)
    try:
        live = folder.export(version)
        compared = comparison.compare(live, export, sample)
    except UserError as error:  # This export has passed alone.
        raise UserError(f"it cannot be compared with version {version}, which is live: {error}", NOT_PASSED) from error
    print(f"against version {live.version}", *comparison_report.lines(compared, export), sep="\n  ")
    if compared.errors is None:
        faults = comparison.faults(compared, gate_flags.ShiftLimits.of(given))
    else:
        faults = [comparison_report.worse(compared.errors)] * compared.errors.is_worse
    if faults:
        raise UserError(f"{export.path} does not pass against {live.path}: {'; '.join(faults)}", NOT_PASSED)


def listed(folder: LiveFolder) -> list[str]:
    """The versions in a folder and those that were rolled back, a line each, the newest first."""
    versions, live, lines = folder.versions, folder.live, []
    for version in sorted({*versions, *folder.withdrawn}, reverse=True):
        try:
            known = folder.publication(version)
        except UserError as fault:
            lines.append(f"{version:<16}  {'broken':<20}  {fault}")
            continue
        error = "-" if known.mae is None else f"{known.mae:.4g} ({known.mae_split})"
        state = "live" if version == live else ""
        if version not in versions:
            state = f"withdrawn {known.withdrawn or ''}"
        state = ", ".join(filter(None, [state, *(f"pinned in {service}" for service in folder.pinned_by(version))]))
        forced = f"forced: {known.forced} ({known.fault})" if known.forced else ""
        lines.append(f"{version:<16}  {known.published or '-':<20}  {error:<20}  {state}  {forced}".rstrip())
    if not lines:
        return [f"{folder.path} holds no version"]
    return [f"{'version':<16}  {'published':<20}  {'mean absolute error':<20}", *lines]


if __name__ == "__main__":
    entry.run_command(main, after_interruption=AFTER_INTERRUPTION)
