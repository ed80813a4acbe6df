"""Puts a version into the folder that a server watches, and takes it out again.

python -m serving.publish trained --to /models/reviews
"""

from beam_pipelines.artifacts import exports
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.commands import entry, flags, job_lock
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from serving.checking import scales
from serving.publishing.live_folder import LiveFolder
from serving.publishing.settings import MODULE, PublishSettings

AFTER_INTERRUPTION = "the same command goes on, unless --list shows the version whole"
NOT_PASSED = 1


def main(argv: list[str] | None = None, program: str = f"python -m {MODULE}") -> int:
    settings, others = flags.parse(PublishSettings, program, argv)
    flags.refuse_unknown(others, PublishSettings, program)
    folder = LiveFolder.of(settings.to)
    if not settings.export and not storage.listing(folder.path):
        raise UserError(f"--to {settings.to} is empty, or no folder at all")
    if settings.list:
        print("\n".join(listed(folder)))
        return 0
    with job_lock.only_job(folder.path):
        if settings.rollback:
            withdrawn = folder.withdraw()
            print(f"version {withdrawn} is withdrawn, {_live(folder)}")
        elif settings.unpin:
            versions = folder.unpin(storage.absolute(settings.unpin))
            print(f"{settings.unpin} pins {_listed(versions)} no longer; {_live(folder)}")
        elif settings.export:
            _publish(exports.find(settings.export, "EXPORT"), folder, settings)
    return 0


def _publish(export: Export, folder: LiveFolder, settings: PublishSettings) -> None:
    if export.path == storage.join(folder.path, str(export.version)):
        raise UserError(f"{export.path} stands in --to {settings.to} already, where a server that follows it finds it")
    folder.refuse_older(export)
    forced = fault = None
    try:
        _check(export, folder, settings)
    except UserError as error:
        # What is wrong with a flag or the sample says nothing of the version.
        if error.status != NOT_PASSED:
            raise
        if settings.force is None:
            raise UserError(f"not published: {error}; --force REASON publishes it all the same", NOT_PASSED) from error
        logger.warning("published in spite of this: %s", error)
        forced, fault = settings.force, str(error)
    folder.add(export, forced, fault)
    print(f"version {export.version} is published in {folder.path}, where {_live(folder)}")
    for service, versions in folder.pins().items():
        print(f"{service} pins {_listed(versions)}: its README.md tells how to change the version there")
    deleted = folder.prune(settings.keep) if settings.keep else []
    if deleted:
        print(f"deleted {_listed(deleted)}: --keep {settings.keep}")


def _live(folder: LiveFolder) -> str:
    """Says which version answers."""
    live = folder.live
    if live is None:
        return "no version is live"
    passed_over = [version for version in folder.whole if version > live]
    return f"{live} is live" + (", the newest that a service pins" if passed_over else "")


def _listed(versions: list[int]) -> str:
    return ", ".join(map(str, versions))


def _check(export: Export, folder: LiveFolder, settings: PublishSettings) -> None:
    """Checks an export on its own and against what is live.

    Raises:
      UserError: It does not pass; or, with another status, a flag or the sample is to be mended.
    """
    from serving.checking import export_check

    version = folder.live
    if version is None or not settings.sample:
        export_check.check(export)
        if version is not None:
            _compare_scales(export, folder, version)
        elif settings.sample:
            logger.warning("%s holds no version yet: --sample has nothing to compare this one with", folder.path)
        return
    entry.import_tensorflow()
    from serving.checking import comparison, comparison_report, sample_reviews

    sample = sample_reviews.read(settings, export.info)
    export_check.check(export)
    try:
        live = folder.export(version)
        compared = comparison.compare(live, export, sample, quoting=not settings.no_text_in_reports)
    except UserError as error:  # This export has passed alone.
        raise UserError(f"it cannot be compared with version {version}, which is live: {error}", NOT_PASSED) from error
    print(f"against version {live.version}", *comparison_report.lines(compared, export), sep="\n  ")
    if compared.errors is None:
        faults = comparison.faults(compared, settings)
    else:
        faults = [comparison_report.worse(compared.errors)] if compared.errors.is_worse else []
    if faults:
        raise UserError(f"{export.path} does not pass against {live.path}: {'; '.join(faults)}", NOT_PASSED)


def _compare_scales(export: Export, folder: LiveFolder, version: int) -> None:
    """Compares what can be compared without a sample.

    Raises:
      UserError: The live version scores on another scale.
    """
    try:
        live = folder.export(version)
    except UserError as error:
        logger.warning("version %d, which is live, is not compared: %s", version, error)
        return
    scales.refuse_another(live, export)
    logger.warning("not compared with version %d, which is live: --sample ARCHIVE would tell which errs less", version)


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
