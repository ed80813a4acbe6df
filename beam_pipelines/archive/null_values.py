"""Makes nulls of what stands for nothing, such as a database's NULL."""

import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.archive.read_options import ReadOptions


def read_nulls(rows: pa.RecordBatch, options: ReadOptions) -> pa.RecordBatch:
    r"""Puts a null in place of each null value, in the columns that say something of the review itself."""
    nulls = options.text_format.null_values
    if not nulls:
        return rows
    for name in (name for name in options.nullable if name in rows.schema.names):
        values = rows.column(name)
        if pa.types.is_string(values.type):
            rows = rows.set_column(rows.schema.get_field_index(name), name, _without(values, nulls))
    return rows


def _without(values: pa.Array, nulls: tuple[str, ...]) -> pa.Array:
    longest = max(len(value.encode()) for value in nulls)
    # A text is seldom so short, and to look it up costs as much as to read it.
    is_short = pc.fill_null(pc.less_equal(pc.binary_length(values), longest), False)
    if not pc.any(is_short).as_py():
        return values
    short = values.filter(is_short)
    is_null = pc.is_in(short, pa.array(nulls, pa.string()))
    return pc.replace_with_mask(values, is_short, pc.if_else(is_null, None, short))
