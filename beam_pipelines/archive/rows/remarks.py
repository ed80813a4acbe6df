"""What is noticed of rows while they are read: the names under which it is counted.

Some of it is told in the end of rows that are read, some leads to the right hint for rows that are rejected.
"""

# A quoted field goes on behind its closing quote, as where quotes are no marks around fields.
TEXT_AFTER_QUOTE = "text_after_closing_quote"
# The same where a backslash stands before that quote, as where it takes the quote's meaning away.
BACKSLASH_BEFORE_QUOTE = "backslash_before_closing_quote"
# A line within quotes that has the fields of a row.
ROW_IN_QUOTES = "line_in_quotes_like_a_row"
# A header with the columns in another order: the rows below it are read by the first one.
OTHER_HEADER = "header_in_other_order"
# A row with a whole quoted field, where others show that quotes may be no marks.
QUOTED = "quoted_field"
# A row with \n, \t or \", where no escape is given.
BACKSLASHES = "backslash_escapes"
_READ_AS = "read_as_"


def read_as(encoding: str) -> str:
    """Names the rows in an encoding that is not the first one."""
    return f"{_READ_AS}{encoding}"


def encoding_of(remark: str) -> str | None:
    """Returns the encoding that such a name holds.

    >>> encoding_of(read_as("cp1252")), encoding_of("other")
    ('cp1252', None)
    """
    return remark.removeprefix(_READ_AS) if remark.startswith(_READ_AS) else None


def fault(reason: str, what: str) -> str:
    """Names the rows that are rejected for a reason and show a fault, of `faults`."""
    return f"{reason}/{what}"


def faults_of(reason: str, remarks: dict[str, int]) -> dict[str, int]:
    """Returns the faults that rows rejected for a reason show, by how many do.

    >>> faults_of("broken_json", {"broken_json/glued": 3, "read_as_cp1252": 1})
    {'glued': 3}
    """
    start = fault(reason, "")
    return {name.removeprefix(start): count for name, count in remarks.items() if name.startswith(start)}
