"""The step of the bulk job: an extent is read, scored and written, from its first byte to its commit."""

from collections.abc import Iterator

from apache_beam.utils.shared import Shared

from beam_pipelines.archive import read_extents
from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.extents import Extent
from beam_pipelines.archive.positions import Position
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.execution import counters
from beam_pipelines.execution.overlapped_dofn import OverlappedDoFn
from beam_pipelines.execution.stopwatch import Stopwatch
from beam_pipelines.scoring.carried_columns import CarriedColumn
from beam_pipelines.scoring.engines.scorer import Scorer
from beam_pipelines.scoring.engines.served_scorer import ServedScorer
from beam_pipelines.scoring.engines.server_options import ServerOptions
from beam_pipelines.scoring.extent_writer import ExtentWriter, ShardOptions
from beam_pipelines.scoring.score_rows import RowOptions, ScoredBlock, score_rows
from beam_pipelines.scoring.summary.finished_extent import FinishedExtent


class ScoreExtents(OverlappedDoFn):
    """Scores extents: PCollection[Extent] -> PCollection[FinishedExtent].

    One that is done already is neither read nor scored: a runner that tries again, or a job that goes on, takes its
    statistics as they stand.

    Args:
      export: The model.
      engine: What runs it; see `Scorer`.
      server: What serves it, if a server scores.
      carried: The columns to carry along.
      read_options: How extents are read.
      row_options: How rows are scored.
      shard_options: How and where extents are written.
    """

    # What has to be done by one core, such as TensorFlow's part, is done for one block beside another.
    threads = 2

    def __init__(
        self,
        export: Export,
        *,
        engine: str,
        server: ServerOptions | None = None,
        carried: tuple[CarriedColumn, ...],
        read_options: ReadOptions,
        row_options: RowOptions,
        shard_options: ShardOptions,
    ):
        self.export = export
        self.engine = engine
        self.server = server
        self.carried = carried
        self.read_options = read_options
        self.row_options = row_options
        self.shard_options = shard_options
        # The threads of a worker process have one model.
        self._shared = Shared()

    def setup(self):
        self._load_seconds = 0.0
        self._scorer = self._shared.acquire(self._load)
        self._writer: ExtentWriter | None = None
        super().setup()

    def _load(self) -> Scorer | ServedScorer:
        scorer: Scorer | ServedScorer
        if self.server:
            scorer = ServedScorer(self.export, self.server, explain=self.row_options.explain)
        else:
            scorer = Scorer(self.export, self.engine)
        self._load_seconds = scorer.load_seconds
        return scorer

    def start_bundle(self):
        super().start_bundle()
        self._discard_writer()
        self._skipped: list[FinishedExtent] = []
        # Beam takes counters within a bundle alone, not in `setup`.
        counters.add_seconds("load", self._load_seconds)
        self._load_seconds = 0.0

    def teardown(self):
        self._discard_writer()
        super().teardown()

    def process(self, extent: Extent) -> Iterator[FinishedExtent]:
        yield from super().process(extent)
        yield from self._skipped
        self._skipped = []

    def split(self, extent: Extent) -> Iterator[Block]:
        """Yields the blocks of an extent that is not done."""
        if self._skip_whole(extent):
            return iter(())
        blocks = read_extents.read(extent, self.read_options, self._skip)
        return counters.timed_iterator("read", blocks)

    def _skip(self, begin: Position) -> bool:
        finished = self.shard_options.shards.finished(begin)
        if finished:
            self._skipped.append(finished)
        return finished is not None

    def _skip_whole(self, extent: Extent) -> bool:
        """Skips an extent without reading it, if all that it is cut into are done."""
        begin, found = extent.begin, []
        while begin != extent.next:
            finished = self.shard_options.shards.finished(begin)
            if finished is None:
                return False
            found.append(finished)
            begin = Position(*finished.next)
        self._skipped += found
        return True

    def process_one(self, block: Block, stopwatch: Stopwatch) -> list[ScoredBlock]:
        scored = score_rows(self._scorer, block.rows, self.carried, self.row_options)
        return [
            ScoredBlock(
                block=block.reject(scored.reasons),
                carried=scored.carried,
                results=scored.results,
                engine=self._scorer.engine,
                metrics=scored.metrics,
            )
        ]

    def collect(self, scored: ScoredBlock) -> Iterator[FinishedExtent]:
        """Writes a block; the last of its extent is the commit."""
        block = scored.block
        with scored.metrics.stopwatch.timed("write"):
            self._writer = self._writer or ExtentWriter(block.extent, self.export, self.shard_options)
            self._writer.add(scored)
            finished = self._writer.commit(block.next_extent) if block.next_extent else None
        counters.count("rows_scored", block.rows.num_rows)
        counters.count("rows_rejected", len(block.rejects))
        counters.count("text_bytes", block.rows.column(self.row_options.text_column).nbytes)
        counters.add_stopwatch(scored.metrics.stopwatch)
        if finished:
            self._writer = None
            yield finished

    def interrupt(self) -> None:
        if isinstance(self._scorer, ServedScorer):
            self._scorer.interrupt()

    def _discard_writer(self) -> None:
        # A bundle that failed may have left one.
        if self._writer:
            self._writer.discard()
        self._writer = None
