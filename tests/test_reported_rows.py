"""Rows as people report them: each is read rightly, or one sentence leads to the flag or the command that helps.

Every case names the flags that help it. What is told of it may name no others, and with them its rows are right.
"""

import json

import pytest

from beam_pipelines import preprocess, score
from tests.helpers.reported import STARS, TEXTS, Case, lines, some, try_twice

JSON_ROWS = [{"id": row, "stars": STARS[row], "body": text} for row, text in enumerate(TEXTS)]
ESCAPE, NO_QUOTE = "--csv_escape=\\", "--csv_quote=none"
SCORES_IN_TEXT = {
    "out of": "{stars}.0 out of 5 stars",
    "[*]/": "{stars}/5",
    "[*]%": "{stars} %",
    r"\)'": "rated {stars}",
}

PREPROCESS = {
    "a quote that is no mark": Case(
        lines("{id}\t{stars}\t{text}", header="id\tstars\tbody", texts=some(lambda text: f'"{text}" he said', 5)),
        name="a.tsv",
        told="text goes on behind a closing quote, .*--csv_quote none",
        mended=(NO_QUOTE,),
    ),
    "quotes that swallow rows": Case(
        lines("{id}\t{stars}\t{text}", header="id\tstars\tbody", texts=some(lambda text: f'"{text}', 10)),
        name="a.tsv",
        told="--csv_quote none",
        mended=(NO_QUOTE,),
    ),
    "backslashes before quotes": Case(
        lines('{id},{stars},"{text}"', texts=some(lambda text: f'{text}, \\"fine\\", good')),
        told=r"--csv_escape '\\'",
        mended=(ESCAPE,),
    ),
    "backslashes before quotes, silently": Case(
        lines('{id},{stars},"{text}"', texts=some(lambda text: f'{text} \\"fine\\" good')),
        told=r"15 rows text goes on behind a quote with a backslash before it; .*--csv_escape '\\'",
        mended=(ESCAPE,),
    ),
    "a dump of MySQL": Case(
        lines("{id}\t{stars}\t{text}", header="id\tstars\tbody", texts=some(lambda text: f"{text}\\nand more")),
        name="a.tsv",
        told=r"15 rows hold escapes .*--csv_escape '\\'",
        mended=(ESCAPE,),
    ),
    "NULL where there is no score": Case(
        lines("{id},{stars},{text}") + b"x,NULL,good\ny,\\N,bad\nz,NaN,fine\n,N/A,plain\n", read=64, skipped=4
    ),
    "names of rows": Case(
        lines('"{n}","{id}",{stars},"{text}"', header='"id","stars","body"'),
        told="row names of R make it: write a name for them at the start of the header",
        mended=None,
    ),
    "blanks before quotes": Case(
        lines('{id}, {stars}, "{text}, and more"', header="id, stars, body"),
        flags=("--text_column= body", "--score_column= stars"),
        told="a quote behind a blank opens no field",
        mended=None,
    ),
    "other quotes": Case(
        lines("{id},{stars},'{text}, and more'"), told="name them with --csv_quote", mended=("--csv_quote='",)
    ),
    "quotes taken for letters": Case(
        lines('{id},{stars},"{text}, and more"'),
        flags=(NO_QUOTE,),
        told="leave out --csv_quote none",
        mended=('--csv_quote="',),
    ),
    "0 for unrated": Case(
        lines("{id},{stars},{text}") + b"x,0,good\ny,0.0,bad\n",
        read=62,
        told="nearly all of these are 0: .*--unrated_values 0",
        mended=("--unrated_values=0",),
        skipped=2,
    ),
    "0 for unrated, and a stray value": Case(
        lines("{id},{stars},{text}") + b"x,0,good\n" * 19 + b"y,11,bad\n",
        flags=("--max_rejected_share=0.02",),
        read=80,
        told="nearly all of these are 0: .*--unrated_values 0",
        mended=("--unrated_values=0",),
        skipped=19,
        rejected={"score_out_of_range": 1},
    ),
    "a word for unrated": Case(
        lines("{id},{stars},{text}") + b"x,unrated,good\n" * 9,
        read=69,
        told="all of these are 'unrated': .*--null_values 'unrated'",
        mended=("--null_values=unrated",),
        skipped=9,
    ),
    "NULL of Cloud SQL": Case(
        lines('"{id}","{stars}","{text}"') + b'"y","N,"fine"\n"z","N,"fine"\n',
        read=62,
        told="--null_values '\"N'",
        mended=('--null_values="N',),
        skipped=2,
    ),
    "a quote that was lost": Case(
        lines('{id},{stars},"{text}, and more"') + b'x,3,"good, and more\ny,3,"fine, and more"\nz,3,bad\n',
        told="some texts hold quotes that are neither doubled nor closed: mend these rows",
        mended=None,
    ),
    "paths of Windows": Case(lines('{id},{stars},"{text} C:\\new\\temp\\"'), untold="csv_escape"),
    "a delimiter at the end of each row": Case(
        lines("{id},{stars},{text},"), told="each row ends with a delimiter, and the header does not", mended=None
    ),
    "a title above the header": Case(
        b"Export of May\n\n" + lines("{id},{stars},{text}"),
        told="the header seems to stand on line 3: delete what is above it, as tail -n [+]3 does",
        mended=None,
    ),
    "fractions of several wholes": Case(
        lines("{id},{stars}/5,{text}") + b"x,7/10,good\n" * 3, told="parts of different wholes", mended=None
    ),
    "two encodings": Case(
        lines("{id},{stars},{text}") + "x,3,très bon\n".encode("cp1252") + "y,3,été\n".encode(),
        read=62,
        told="is --encoding right[?] .utf-8,cp1252 tries both",
        mended=("--encoding=utf-8,cp1252",),
    ),
    "decimal commas": Case(
        lines("{id};{stars},5;{text}", header="id;stars;body"),
        flags=("--csv_delimiter=;",),
        told="decimal commas: write them with points",
        mended=None,
    ),
    "words for scores": Case(
        lines("{id},positive,{text}"), told="the scores are words or signs: make numbers", mended=None
    ),
    "Python's dicts": Case(
        "".join(f"{row}\n" for row in JSON_ROWS).encode(), name="a.json", told="Python's dicts, not JSON", mended=None
    ),
    "objects of several lines": Case(
        "\n".join(json.dumps(row, indent=2) for row in JSON_ROWS).encode(), name="a.json", told="jq -c [.]", mended=None
    ),
    "objects without newlines": Case(
        "".join(map(json.dumps, JSON_ROWS)).encode(), name="a.json", told="jq -c [.]", mended=None
    ),
    "a comma after each object": Case(
        ",\n".join(map(json.dumps, JSON_ROWS)).encode(), name="a.json", told="as sed .* does", mended=None
    ),
    "an array": Case(json.dumps(JSON_ROWS).encode(), name="a.json", told=r"jq -c '[.]\[\]'", mended=None),
    "an object of columns": Case(
        json.dumps({name: {str(row): JSON_ROWS[row][name] for row in range(60)} for name in JSON_ROWS[0]}).encode(),
        name="a.json",
        told="orient='records'",
        mended=None,
    ),
    "a list within an object": Case(
        json.dumps({"total": 60, "reviews": JSON_ROWS}).encode(), name="a.json", told="jq -c '[.]reviews", mended=None
    ),
    "a spreadsheet's first line": Case(b"sep=;\r\n" + lines("{id};{stars};{text}", header="id;stars;body")),
    "another delimiter": Case(
        lines("{id};{stars};{text}", header="id;stars;body"),
        told="add --csv_delimiter ';'",
        mended=("--csv_delimiter=;",),
    ),
    "no header": Case(
        lines('"{n}","{stars}","{text}"')[len("id,stars,body\n") :],
        told="its first line seems to be a row: write the names of all columns in a line above it",
        untold="number0",
        mended=None,
    ),
    "UTF-16 without a mark": Case(
        lines("{id},{stars},{text}").decode().encode("utf-16-le"), told="iconv -f utf-16le", mended=None
    ),
    "a name that cannot be seen": Case(
        lines("{id},{stars},{text}", header="id,stars,body\u200b"), told=r"'body\\u200b'", mended=None
    ),
    "two byte order marks": Case(b"\xef\xbb\xbf" * 2 + lines("{id},{stars},{text}")),
    "joined files": Case(
        lines("{id},{stars},{text}") + b"\xef\xbb\xbfid,stars,body\nx,3,good\n" + b"id,stars,body\n",
        read=63,
        rejected={"repeated_header": 2},
    ),
    **{
        f"scores in a text {shape}": Case(
            lines(f"{{id}},{scores},{{text}}"),
            told=f"--title_column COLUMN --score_pattern .*{shape}",
            mended=("--title_column=stars", f"--score_pattern={{{shape}}}"),
        )
        for shape, scores in SCORES_IN_TEXT.items()
    },
}


@pytest.mark.parametrize("case", PREPROCESS.values(), ids=PREPROCESS)
def test_rated_rows_are_read_or_lead_to_what_helps(case, tmp_path, capsys):
    given = {flag.partition("=")[0] for flag in case.flags}
    flags = [f"{name}={column}" for name, column in (("--text_column", "body"), ("--score_column", "stars"))]
    flags = [flag for flag in flags if flag.partition("=")[0] not in given]
    flags += ["--score_min=1", "--score_max=5.5"]
    if folder := try_twice(preprocess, case, flags, tmp_path, capsys):
        rows = json.loads((folder / "statistics.json").read_text())["rows"]
        assert (rows["read"], rows["rejected_by_reason"]) == (case.read, case.rejected)
        assert rows["skipped_by_reason"] == ({"no_score": case.skipped} if case.skipped else {})


SCORE = {
    "a dump of PostgreSQL": Case(
        lines("{id}\t{stars}\t{text}", header="id\tstars\tbody", texts=some(lambda text: f"{text}\\nand more"))
        + b"x\t\\N\t\\N\n",
        name="a.tsv",
        flags=("--max_rejected_share=0.1",),
        told=r"--csv_escape '\\'",
        mended=(ESCAPE,),
        read=61,
        rejected={"missing_text": 1},
    ),
    "newlines behind backslashes": Case(
        lines("{id}|{stars}|{text}", header="id|stars|body", texts=some(lambda text: f"{text}\\\nand\\|more")),
        flags=("--csv_delimiter=|", NO_QUOTE),
        told=r"most often for too_few_fields .*--csv_escape '\\'",
        mended=(ESCAPE,),
    ),
    "NULL of Cloud SQL": Case(
        lines('"{id}","{stars}","{text}"') + b'"x","1","N\n"N,"2","good"\n' + b'"y","N,"fine"\n',
        flags=("--max_rejected_share=0.1", "--keep_columns=stars", '--null_values="N'),
        read=63,
        rejected={"missing_text": 1},
    ),
    "joined files": Case(lines("{id},{stars},{text}") * 3, read=182, rejected={"repeated_header": 2}),
    "a dump of sqlcmd": Case(
        lines("{id},{stars},{text}", header="id,stars,body\n--,-----,----") + b"\n(60 rows affected)\n",
        flags=("--max_rejected_share=0.1",),
        read=62,
        rejected={"line_below_header": 1, "too_few_fields": 1},
    ),
    "numbers of rows without a name": Case(
        lines("{n},{id},{stars},{text}", header=",row,stars,body"), flags=("--keep_columns=*",)
    ),
    "joined files of other orders": Case(
        lines("{id},{stars},{text}") + b"id,body,stars\n",
        told="1 headers with the columns in another order stand among the rows",
        read=61,
        rejected={"header_in_other_order": 1},
    ),
    "names that differ in case": Case(
        lines("{id},{stars},{text}", header="id,Score,body"),
        flags=("--id_column=id", "--keep_columns=*"),
        told="'Score'; give another name, as in --keep_columns '[*],input_Score=Score'",
        mended=("--keep_columns=*,input_Score=Score",),
    ),
    "labels of fastText": Case(
        "".join(f"__label__2 {text}\n" for text in TEXTS).encode(),
        name="a.tsv",
        flags=(NO_QUOTE,),
        told="its first line seems to be a row",
        untold="number0",
        mended=None,
    ),
    "UTF-16 of JSON lines": Case(
        "\n".join(map(json.dumps, JSON_ROWS)).encode("utf-16-le"), name="a.jsonl", told="iconv -f utf-16le", mended=None
    ),
}


@pytest.mark.parametrize("case", SCORE.values(), ids=SCORE)
def test_dumps_are_scored_or_lead_to_what_helps(case, cnn, tmp_path, capsys):
    flags = [f"--model={cnn}", "--text_column=body"]
    if folder := try_twice(score, case, flags, tmp_path, capsys):
        summary = json.loads((folder / "summary.json").read_text())
        assert (summary["rows_read"], summary["rejected_by_reason"]) == (case.read, case.rejected)
        assert summary["rows_scored"] == case.read - sum(case.rejected.values())
