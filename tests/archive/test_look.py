"""An archive is looked at before any work: its files, how they are packed, and their columns."""

from tests.helpers.archives import look_at


def test_a_file_that_tells_no_columns_has_none(tmp_path):
    contents = {"a.csv": b"text\n", "b.csv": b"", "c.jsonl": b"[1]\n[2]\n", "d.jsonl": b'{"n": 1}\n'}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    archive = look_at(f"{tmp_path}/*")
    assert [file.name for file in archive.files] == list(contents)
    assert {file.name: columns.names for file, columns in archive.columns.items()} == {
        "a.csv": ("text",),
        "d.jsonl": ("n",),
    }
