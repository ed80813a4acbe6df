"""A file is named and opened by what is known of it; what is damaged is told by its name."""

import pytest

from beam_pipelines.archive.finding import input_files
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.finding.zip_and_tar import Container
from beam_pipelines.errors import UserError
from tests.helpers.archives import COMPRESS


def file(path: str = "/in/a.csv", compression: str | None = None, **more) -> InputFile:
    return InputFile(index=0, path=path, format="csv", compression=compression, size_bytes=1, **more)


@pytest.mark.parametrize(
    ("found", "label"),
    [
        (file(), "/in/a.csv"),
        (file("/in/a.zip", member="b/c.csv", container=Container("zip")), "/in/a.zip:b/c.csv"),
        (file("/tmp/copy", pipe="/dev/stdin"), "/dev/stdin"),
        (file("/in/caf\udce9.csv"), "/in/caf\\xe9.csv"),
    ],
)
def test_what_names_it(found, label):
    assert found.label == label


@pytest.mark.parametrize(
    ("found", "is_seekable"),
    [
        (file(), True),
        (file(compression="gzip"), False),
        (file(member="b", container=Container("zip")), False),
        (file("/tmp/copy", pipe="/dev/stdin"), True),
    ],
)
def test_what_can_be_entered_in_its_middle(found, is_seekable):
    assert found.is_seekable is is_seekable


@pytest.mark.parametrize(("end", "compression"), [("", None), (".gz", "gzip"), (".xz", "xz")])
def test_it_is_opened_decompressed(tmp_path, end, compression):
    """By what the look has found, whatever the name says."""
    path = tmp_path / "a"
    path.write_bytes(COMPRESS[end](b"text\n"))
    with input_files.open_file(file(str(path), compression)) as opened:
        assert opened.data.read() == b"text\n"
        assert opened.stored.tell() == path.stat().st_size


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ((file(),), "/in/a.csv cannot be read as csv: it ends"),
        (("/in/a.zip", "an archive"), "/in/a.zip cannot be read as an archive: it ends"),
    ],
)
def test_damage_is_told_with_the_name(what, sentence):
    with pytest.raises(UserError, match=f"^{sentence}"), input_files.damage_as_user_error(*what):
        raise EOFError("it ends")
