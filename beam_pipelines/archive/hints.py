r"""What to do about rows that were rejected, and about rows that were read but look wrong.

A hint is drawn from what such rows showed while they were read; where they showed nothing, a question is asked only if
the answer can help.
"""

import collections

from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.rows import faults, remarks, score_faults

_NO_QUOTES = "where quotes are characters like any other, add --csv_quote none"
# By how a reason begins, what may have been given wrongly.
_QUESTIONS = {
    "invalid_utf8_or_": "is --encoding right?",
    "invalid_": "is --encoding right? (utf-8,cp1252 tries both)",
    "open_quote": _NO_QUOTES,
    "broken_json": "is it one JSON object a line?",
    "not_an_object": "is it one JSON object a line?",
    "missing_text": "is --text_column right?",
    "text_not_a_string": "is --text_column right?",
    "score_not_a_number": "are the scores numbers such as 8.5?",
    "score_out_of_range": "are --score_min and --score_max right?",
}
_ESCAPE = r"where backslashes stand before quotes, delimiters or newlines, add --csv_escape '\'"
_PATTERN = (
    "read the number in the text with --title_column COLUMN --score_pattern '{}' in place of --score_column COLUMN"
)
_BY_FAULT = {
    faults.BACKSLASH: _ESCAPE,
    faults.TEXT_IN_QUOTES: _NO_QUOTES,
    faults.BLANK_BEFORE_QUOTE: "a quote behind a blank opens no field: delete such blanks, as sed 's/, *\"/,\"/g' does",
    faults.OTHER_QUOTE: "fields seem to stand in other quotes: name them with --csv_quote",
    faults.QUOTES: "fields seem to stand in quotes: leave out --csv_quote none",
    faults.NULL_WITH_QUOTE: "where \"N stands for NULL, as Cloud SQL writes it, add --null_values '\"N'",
    faults.NO_ESCAPE: "quotes are doubled here: leave out --csv_escape",
    faults.LAST_DELIMITER: "each row ends with a delimiter, and the header does not: write one behind it, as sed "
    "'1s/$/,/' does for commas",
    faults.RETURNS: "lines end with a carriage return alone: convert them first, as tr '\\r' '\\n' does",
    faults.PYTHON: "these are Python's dicts, not JSON: write them with json.dumps first",
    faults.PRETTY: "an object takes several lines: write one a line first, as jq -c . does",
    faults.GLUED: "several objects stand on a line: write one a line first, as jq -c . does",
    faults.COMMA: "a comma stands behind each object: delete it first, as sed 's/^\\[//; s/[],]*$//' does",
    faults.ARRAY: "it is one JSON array: write an object a line first, as jq -c '.[]' does",
    faults.VALUES: "each line is an array: name its values, as jq -c '{body: .[0], stars: .[1]}' does",
    faults.IN_STRING: "each line is a string that holds an object: take it out first, as jq -c fromjson does",
    faults.MONGO: "these are objects of Mongo's shell, not JSON: export them with mongoexport",
    faults.COLUMNS: "it holds columns, as pandas writes them by default: write an object a line first, with "
    "orient='records' and lines=True, or as jq -c '. as $all | (map(keys_unsorted) | first[]) as $row | $all | "
    "map_values(.[$row])' does",
    **{shape: _PATTERN.format(pattern) for shape, pattern in score_faults.PATTERNS.items()},
    score_faults.AMONG_OTHERS: "read the right number in the text with --title_column COLUMN and a --score_pattern of "
    "your own",
    score_faults.DECIMAL_COMMA: "the scores have decimal commas: write them with points",
    score_faults.THOUSANDS: "the scores have commas between thousands: write them without",
    score_faults.NO_NUMBER: "the scores are words or signs: make numbers such as 8.5 of them",
}
_ROW_NAMES = (
    "each row has one field more than the header, as row names of R make it: write a name for them at the start of the "
    "header"
)
_SPLIT_WRONGLY = ("too_few_fields", "too_many_fields", "open_quote", "broken_csv")
_NOT_CLOSED = "some texts hold quotes that are neither doubled nor closed: mend these rows"
# So many more rows have quotes as marks than show that these may be none.
_MARKS_RATIO = 4
# One field more may also be a delimiter in a text, so that only a rule counts.
_RULE_SHARE = 0.9
# Told of rows that were read, where it holds for this share of them.
_TOLD_SHARE = 0.01


def hint(by_reason: dict[str, int], noticed: dict[str, int], rows_read: int) -> str:
    """Says what helps the rows that are rejected most often: a sentence and what parts it from the next, or "".

    Args:
      by_reason: Rejected rows by reason.
      noticed: By remark, how many rows there are.
      rows_read: How many rows there were.
    """
    if not by_reason:
        return ""
    worst = max(by_reason, key=lambda reason: by_reason[reason])
    found = _faults(worst, noticed)
    sentence = _of_faults(worst, found, sum(by_reason.values()), rows_read)
    if sentence is None and not (worst == "missing_text" and 2 * by_reason[worst] < rows_read):
        sentence = next((text for start, text in _QUESTIONS.items() if worst.startswith(start)), None)
    if not sentence:
        return ""
    if sentence == _NO_QUOTES and _are_marks(noticed):
        sentence = _NOT_CLOSED
    return f"{sentence} " if sentence.endswith("?") else f"{sentence}; "


def of_fault(fault: str) -> str | None:
    """Says what helps rows that show a fault."""
    return _BY_FAULT.get(fault)


def of_members(file: InputFile, flag: str = "--input") -> str:
    """Says how to read other members of a .zip or .tar than this one, after a full stop; "" of a file that is none."""
    return f". To read some members alone, add their names: {flag} '{file.path}:NAME'" if file.container else ""


def _faults(reason: str, noticed: dict[str, int]) -> dict[str, int]:
    """The faults of rows that are rejected for a reason; where they were split wrongly, one leads to another."""
    reasons = _SPLIT_WRONGLY if reason in _SPLIT_WRONGLY else (reason,)
    found: collections.Counter[str] = collections.Counter()
    for other in reasons:
        found.update(remarks.faults_of(other, noticed))
    return found


def _are_marks(noticed: dict[str, int]) -> bool:
    """Whether most quotes are marks around fields, so that to read them as characters would break other rows."""
    suspects = sum(noticed.get(name, 0) for name in (remarks.TEXT_AFTER_QUOTE, remarks.ROW_IN_QUOTES))
    suspects += sum(_faults("open_quote", noticed).values())
    return noticed.get(remarks.QUOTED, 0) >= _MARKS_RATIO * max(suspects, 1)


def _of_faults(reason: str, found: dict[str, int], rejected: int, rows_read: int) -> str | None:
    if not found:
        return None
    if reason == "score_out_of_range":
        value = score_faults.main_value(found)
        return (
            value and f"nearly all of these are {value}: where that stands for no score, add --unrated_values {value}"
        )
    if reason == "score_not_a_number":
        return _of_scores(found, rows_read)
    fault = max(found, key=lambda name: found[name])
    if fault == faults.ONE_FIELD_MORE:
        return _ROW_NAMES if rejected >= _RULE_SHARE * rows_read else ""
    return of_fault(fault)


def _of_scores(found: dict[str, int], rows_read: int) -> str | None:
    word = score_faults.only_word(found)
    if word and 2 * found[score_faults.word(word)] < rows_read:
        return f"all of these are {word!r}: where that stands for no score, add --null_values {word!r}"
    shape, number = score_faults.main_shape(found)
    if shape in score_faults.WITH_WHOLE and number > 1:
        return "the scores are parts of different wholes: make numbers such as 8.5 of them"
    return of_fault(shape)


def remark_lines(noticed: dict[str, int], rows_read: int) -> list[str]:
    """Tells what was noticed of rows that were read, a sentence for each.

    Args:
      noticed: By remark, how many rows there are.
      rows_read: How many rows there were.
    """
    lines = []
    quotes = _NOT_CLOSED if _are_marks(noticed) else _NO_QUOTES
    if count := noticed.get(remarks.TEXT_AFTER_QUOTE):
        lines.append(f"in {count:,} rows text goes on behind a closing quote, so one may hold others; {quotes}")
    if count := noticed.get(remarks.BACKSLASH_BEFORE_QUOTE):
        lines.append(f"in {count:,} rows text goes on behind a quote with a backslash before it; {_ESCAPE}")
    if count := noticed.get(remarks.ROW_IN_QUOTES):
        lines.append(f"{count:,} lines within quotes have the fields of a row, and may be rows; {quotes}")
    if count := noticed.get(remarks.OTHER_HEADER):
        lines.append(
            f"{count:,} headers with the columns in another order stand among the rows, and rows below them are read "
            "wrongly: give the files one by one, before they are joined"
        )
    if (count := noticed.get(remarks.BACKSLASHES, 0)) > _TOLD_SHARE * rows_read:
        lines.append(f"{count:,} rows hold escapes such as \\n or \\t as text; {_ESCAPE}")
    by_encoding = {remarks.encoding_of(remark): count for remark, count in noticed.items()}
    lines += [f"{count:,} rows were read as {encoding}" for encoding, count in by_encoding.items() if encoding]
    return lines
