"""The columns of a file of JSON lines, or what else it is."""

import collections

from beam_pipelines.archive import hints
from beam_pipelines.archive.columns import Columns
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.rows import faults, row_parsing
from beam_pipelines.archive.rows.row_scanner import RawRow
from beam_pipelines.archive.rows.text_format import TextFormat
from beam_pipelines.errors import UserError


def read_json_columns(file: InputFile, rows: list[RawRow], text_format: TextFormat) -> Columns | None:
    """Reads the keys of the first rows of a file; None where no row tells them.

    Raises:
      UserError: The rows show that it is JSON of another form, and what to do.
    """
    # As ordered sets: the order of the columns is that in which the keys first come.
    names: dict[str, object] = {}
    nested: dict[str, object] = {}
    shown: collections.Counter[str] = collections.Counter()
    if _opens_array(rows):
        raise _not_json_lines(file, faults.ARRAY)
    for row in rows:
        try:
            fields = row_parsing.parse_json_object(row, text_format, row_parsing.Notes()) or {}
        except row_parsing.BadRow as bad:
            # It is rejected, with its reason, when the job reads it.
            shown.update([bad.fault] if bad.fault else [])
            continue
        names.update(fields)
        nested.update(dict.fromkeys(_nested_names(fields)))
    if len(rows) == 1 and names and all(faults.is_column(value) for value in names.values()):
        raise _not_json_lines(file, faults.COLUMNS)
    if names:
        return Columns(tuple(names), tuple(nested), objects=_listed_objects(names) if len(rows) == 1 else None)
    # Rows of which none is an object say nothing of the columns; unless they show what they are, the job rejects them.
    lines = [row.data.strip() for row in rows if row.data.strip()]
    if lines and not any(line.startswith((b"{", b"[", b'"')) for line in lines):
        raise UserError(f"{file.label} is no file of JSON lines; is it CSV? Then add --input_format csv")
    if 2 * shown.total() > len(lines):
        raise _not_json_lines(file, max(shown, key=lambda fault: shown[fault]))
    return None


def _not_json_lines(file: InputFile, fault: str) -> UserError:
    return UserError(f"{file.label} is no file of JSON lines: {hints.of_fault(fault)}{hints.of_members(file)}")


def _listed_objects(fields: dict[str, object]) -> tuple[str, tuple[str, ...]] | None:
    """Finds the rows within a single object: the jq that lists them, and the names in the first of them."""
    if {"columns", "data"} <= fields.keys() and isinstance(fields["columns"], list):
        split = ".columns as $names | .data[] | [$names, .] | transpose | map({(.[0]): .[1]}) | add"
        return split, tuple(map(str, fields["columns"]))
    rows = [value for value in fields.values() if isinstance(value, dict)]
    if 1 < len(rows) == len(fields):
        return ".[]", tuple(rows[0])
    for name, value in fields.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return f".{name}[]", tuple(value[0])
        if isinstance(value, dict) and (inner := _listed_objects(value)):
            return f".{name} | {inner[0]}", inner[1]
    return None


def _opens_array(rows: list[RawRow]) -> bool:
    """Tells whether the rows are those of one array: the first begins it and does not end it, or is all there is."""
    lines = [row.data.strip() for row in rows if row.data.strip()]
    return bool(lines) and lines[0].startswith(b"[") and (len(lines) == 1 or not lines[0].endswith(b"]"))


def _nested_names(fields: dict[str, object], prefix: str = "") -> list[str]:
    """Lists the dotted names of the fields within a row's objects, however deep.

    >>> _nested_names({"a": {"b": 1, "c": {"d": 2}}, "e": 3})
    ['a.b', 'a.c', 'a.c.d']
    """
    names = []
    for name, value in fields.items():
        if prefix:
            names.append(prefix + name)
        if isinstance(value, dict):
            names += _nested_names(value, f"{prefix}{name}.")
    return names
