"""What is wrong with a row that cannot be read is seen from the row."""

import csv

import pytest

from beam_pipelines.archive.rows import faults, score_faults
from beam_pipelines.archive.rows.dialect import CSV, TSV, Dialect


@pytest.mark.parametrize(
    ("row", "dialect", "fault"),
    [
        (b'1,"A \\"fine\\", long",2\n', CSV, faults.BACKSLASH),
        (b"1|broken,\\\n", Dialect("|"), faults.BACKSLASH),
        (b"1,a\\,b,2\n", CSV, faults.BACKSLASH),
        (b"1,a\\,b,2\n", Dialect(",", '"', "\\"), faults.ONE_FIELD_MORE),
        (b'1, "fine, and long", 2\n', CSV, faults.BLANK_BEFORE_QUOTE),
        (b'1\t "fine"\t2\tx\n', TSV, faults.BLANK_BEFORE_QUOTE),
        (b"1,'fine, and long',2\n", CSV, faults.OTHER_QUOTE),
        (b'1,"fine, and long",2\n', Dialect(",", "'"), faults.OTHER_QUOTE),
        (b'1,"fine, and long",2\n', Dialect(","), faults.QUOTES),
        (b'1,"fine\n2,good",3\n', CSV, faults.TEXT_IN_QUOTES),
        (b'1,"fine" he said, 3,4\n', CSV, faults.TEXT_IN_QUOTES),
        (b"1,fine,and,4\n", CSV, faults.ONE_FIELD_MORE),
        (b"1,fine,4,\n", CSV, faults.LAST_DELIMITER),
        (b'1,"N,fine\n2,"N"\n', CSV, faults.NULL_WITH_QUOTE),
        (b'1,"a ""fine"" film \\",4,5\n', Dialect(",", '"', "\\"), faults.NO_ESCAPE),
        (b"1,fine,and,4,5\n", CSV, None),
        (b"1,'tis fine, and more,4,5\n", CSV, None),
        (b'1,"tis fine,4,5\n', Dialect(","), None),
        (b'1;"";"a;b";5\n', Dialect(";", '"', "\\"), faults.ONE_FIELD_MORE),
        (b'1,"N,fine,4,5\n', Dialect(",", '"', None, ('"N',)), None),
        (b"1\n", CSV, None),
    ],
)
def test_the_fault_of_a_row_with_other_fields_than_the_header(row, dialect, fault):
    quote = {"quotechar": dialect.quote} if dialect.quote else {"quoting": csv.QUOTE_NONE}
    fields = next(csv.reader([row.decode()], delimiter=dialect.delimiter, **quote))
    assert faults.csv_fault(row, fields, 3, dialect) == fault


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{'text': \"it's\", 'stars': None}", faults.PYTHON),
        ("{", faults.PRETTY),
        ('  "text": "a {b}",', faults.PRETTY),
        ("},", faults.PRETTY),
        ("}{", faults.PRETTY),
        ('{"text": "a"}{"text": "b"}', faults.GLUED),
        ('{"text": "a"} {"text": "b"', faults.GLUED),
        ('{"text": "a"},', faults.COMMA),
        ('[{"text": "a"},', faults.COMMA),
        ('[{"text": "a"}]', faults.ARRAY),
        ('[{"text": "a"}, {"text": "b"}]', faults.ARRAY),
        ('{"text": "cut o', None),
        ('["a", 5]', faults.VALUES),
        (r'"{\"text\": \"a\"}"', faults.IN_STRING),
        ('{"_id": ObjectId("1"), "stars": NumberInt(5)}', faults.MONGO),
        ("{'text': 'a', 'stars': nan}", faults.PYTHON),
        ("[1]", None),
        ("broken", None),
        ("{}" * faults.LONGEST, None),
    ],
)
def test_the_fault_of_a_line_that_is_no_object(line, fault):
    assert faults.json_fault(line + "\n") == fault


@pytest.mark.parametrize(
    ("value", "expected"),
    [({"0": "a", "1": "b"}, True), ({"body": "a"}, False), ({}, False), (["a"], False), ("a", False)],
)
def test_a_column_is_an_object_of_numbered_rows(value, expected):
    assert faults.is_column(value) == expected


@pytest.mark.parametrize(
    ("raw", "shape"),
    [
        ("Rated 4.0 out of 5", "out_of 5"),
        ("Rated 4.0", score_faults.IN_TEXT),
        ("Band 7 - Album - 85%", score_faults.PERCENT),
        ("4 of 5", score_faults.AMONG_OTHERS),
        ("4 out of 5 stars\n", "out_of 5"),
        ("-1.5 %", score_faults.PERCENT),
        ("3.5 / 5", "fraction 5"),
        ("4 1/2", score_faults.AMONG_OTHERS),
        ("4\N{VULGAR FRACTION ONE HALF}", score_faults.NO_NUMBER),
        ("3,75", score_faults.DECIMAL_COMMA),
        ("4,5 von 5", score_faults.DECIMAL_COMMA),
        ("3,7500", score_faults.DECIMAL_COMMA),
        ("12,000.5", score_faults.THOUSANDS),
        ("★★★☆☆", "word ★★★☆☆"),
        ("quite good", score_faults.NO_NUMBER),
        (True, "word True"),
    ],
)
def test_the_shape_of_what_is_no_score(raw, shape):
    assert score_faults.fault_of(raw) == shape
