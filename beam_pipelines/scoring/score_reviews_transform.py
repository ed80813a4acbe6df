"""Scoring as a step of any Beam pipeline."""

import dataclasses
from collections.abc import Iterator

import apache_beam as beam
import pyarrow as pa

from beam_pipelines.artifacts import exports
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.commands import entry
from beam_pipelines.errors import UserError
from beam_pipelines.scoring import carried_columns, output_columns
from beam_pipelines.scoring.score_rows import RowOptions, score_rows

REJECTS = "rejects"


@dataclasses.dataclass
class ScoreReviews(beam.PTransform):
    """Scores reviews: PCollection[pa.RecordBatch] -> `scores` PCollection[pa.RecordBatch], `rejects` PCollection[dict].

    A row comes out once: in `scores`, in a batch of the kept columns and the results, or in
    `rejects`, as a dict of `reason` and `row`, its columns. How rows are batched changes no score;
    some thousands of rows, or some megabytes of text, make a fast batch.

        scored = batches | ScoreReviews(model="gs://my-bucket/trained", text_column="body", keep_columns="id")
        scored.scores | beam.FlatMap(pa.RecordBatch.to_pylist) | beam.io.WriteToBigQuery(...)
        scored.rejects | beam.Map(json.dumps, default=str) | beam.io.WriteToText(...)

    Attributes:
      model: The trainer's output, the folder of exported versions, or one version: local, gs:// or s3://.
      text_column: The column of the review's text, a string.
      keep_columns: The columns to carry along, separated by commas; `*` for all, NAME:TYPE gives one a
        type and NEW=NAME another name, as in the command's flag of that name.
      empty_text: "reject" or "score", of a text that is null, empty or white space alone.
      engine: "auto", "compiled" or "saved_model".
      explain: Whether to add the reasons of each score.

    Raises:
      UserError: There is no model, or a kept column has the name of a result.
    """

    model: str
    text_column: str
    keep_columns: str = "*"
    empty_text: str = "reject"
    engine: str = "auto"
    explain: bool = False

    def expand(self, batches):
        export = exports.find(self.model, "model")
        return batches | "ScoreBatch" >> beam.ParDo(_ScoreBatch(self, export)).with_outputs(REJECTS, main="scores")


class _ScoreBatch(beam.DoFn):
    def __init__(self, transform: ScoreReviews, export: Export):
        self.options = RowOptions(
            text_column=transform.text_column, explain=transform.explain, empty_text=transform.empty_text
        )
        self.keep_columns = transform.keep_columns
        self.engine = transform.engine
        self.export = export

    def setup(self):
        entry.import_tensorflow()
        # Here, so that the process that builds the pipeline needs no TensorFlow.
        from beam_pipelines.scoring.engines.scorer import Scorer

        self._scorer = Scorer(self.export, self.engine)

    def process(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        batch, invalid = _valid(_with_string(batch, self.options.text_column), self.options.text_column)
        for values in invalid:
            yield beam.pvalue.TaggedOutput(REJECTS, {"reason": "invalid_utf8", "row": values})
        carried = carried_columns.parse_keep_columns(self.keep_columns, batch.schema.names)
        wants_all = carried_columns.wants_all(self.keep_columns)
        output_columns.check_names(carried, explain=self.options.explain, all_columns=wants_all)
        scored = score_rows(self._scorer, batch, carried, self.options)
        for row, reason in sorted(scored.reasons.items()):
            yield beam.pvalue.TaggedOutput(REJECTS, {"reason": reason, "row": batch.slice(row, 1).to_pylist()[0]})
        table = output_columns.score_table(scored.carried, scored.results, self.export.version, self.export.info.scale)
        yield from table.combine_chunks().to_batches()


def _with_string(batch: pa.RecordBatch, name: str) -> pa.RecordBatch:
    """The batch with its text as a string, which it may hold in another width.

    Raises:
      UserError: It has no such column, or one of another type.
    """
    if name not in batch.schema.names:
        raise UserError(f"a batch has no column {name!r}; it has: {', '.join(batch.schema.names)}")
    index = batch.schema.get_field_index(name)
    kind = batch.schema.types[index]
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise UserError(f"the column {name!r} of a batch is {kind}, not text")
    return batch.set_column(index, name, batch.column(index).cast(pa.string()))


def _valid(batch: pa.RecordBatch, name: str) -> tuple[pa.RecordBatch, list[dict]]:
    """The rows whose text is UTF-8, and the others, their text with \\xNN for each byte that is none."""
    texts = batch.column(name)
    try:
        texts.validate(full=True)
        return batch, []
    except pa.ArrowInvalid:
        raw = texts.cast(pa.binary()).to_pylist()
    readable = [None if text is None else text.decode(errors="backslashreplace") for text in raw]
    is_valid = [text is None or text.encode() == data for text, data in zip(readable, raw, strict=True)]
    index = batch.schema.get_field_index(name)
    mended = batch.set_column(index, name, pa.array(readable, pa.string()))
    others = mended.filter(pa.array([not valid for valid in is_valid]))
    return mended.filter(pa.array(is_valid)), others.to_pylist()
