"""Of a damaged file the rows before the damage are read, and what is lost is told once, if it is lost for good."""

import contextlib
import errno
import gzip
import io
import itertools
import random
import re
import zipfile

import pytest

from beam_pipelines.archive import damage, read_extents
from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.finding import found_files
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.positions import Position
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.files import storage
from tests.helpers.archives import COMPRESS, list_extents, parquet, read_found, tarred, texts_of
from tests.helpers.broken_streams import Breaking

OPTIONS = ReadOptions(columns=("text",))
CHANCE = random.Random(7)
# So long that the damage is far from what is looked at first, and of so little order that it hardly compresses.
TEXTS = [f"review {number} {CHANCE.getrandbits(900):x}" for number in range(8000)]
CONTENT = "".join(f"{text}\n" for text in ["text", *TEXTS]).encode()


def damaged(packed: bytes, how: str) -> bytes:
    """Cuts a file, or writes other bytes into it, behind two thirds."""
    place = len(packed) * 2 // 3
    return packed[:place] if how == "cut" else packed[:place] + bytes(100) + packed[place + 100 :]


def rejects_of(blocks: list[Block]) -> list[tuple]:
    return [(reject.file, reject.row_number, reject.reason) for block in blocks for reject in block.rejects]


@pytest.mark.parametrize(
    ("end", "how"),
    [(".gz", "cut"), *itertools.product([".bz2", ".xz", ".zst"], ["cut", "written over"])],
)
def test_rows_before_the_damage_of_a_compressed_file_stay(tmp_path, end, how):
    files = {f"b.csv{end}": damaged(COMPRESS[end](CONTENT), how), "a.csv": b"text\nfirst\n", "c.csv": b"text\nlast\n"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    blocks = read_found(found_files.find([f"{tmp_path}/*"])[0], OPTIONS)
    texts = texts_of(blocks)
    assert (texts[0], texts[-1]) == ("first", "last")
    count = len(texts) - 2
    assert 2000 < count < 6000
    assert texts[1:-1] == TEXTS[:count]
    assert rejects_of(blocks) == [(f"{tmp_path}/b.csv{end}", count + 2, "damaged_file")]
    [reject] = [reject for block in blocks for reject in block.rejects]
    offset = len("".join(f"{text}\n" for text in ["text", *TEXTS[:count]]))
    size, unread_bytes = len(files[f"b.csv{end}"]), sum(block.unread_bytes for block in blocks)
    lost = f"{unread_bytes:,} of {size:,} bytes are not read" if unread_bytes else "how much is missing is not known"
    assert re.fullmatch(rf"damaged behind uncompressed byte {offset:,}: .+; {lost}", reject.raw), reject.raw
    # Damage takes the piece of 32 kB that it is in with it, of bzip2 the block, and shows later than it begins.
    with_it = 400_000 if end == ".bz2" else 1 << 15
    behind = 0 if how == "cut" else size // 3
    assert behind - (1 << 15) <= unread_bytes <= behind + with_it
    if end == ".gz":
        assert unread_bytes == 0
    assert blocks[-1].next_extent == Position(3)


@pytest.mark.parametrize("end", [".gz", ".bz2", ".zst"])
def test_what_is_lost_of_a_small_file_is_what_stands_behind_the_damage(tmp_path, end):
    """It is read at once, and not lost with that."""
    good, lost = COMPRESS[end](b"text\n" + b"a\nb\n" * 2000), COMPRESS[end](b"".join(b"%d\n" % n for n in range(2000)))
    # The first bytes of what stands behind tell that it is compressed.
    (tmp_path / f"a.csv{end}").write_bytes(good + lost[:8] + bytes(1000) + lost[1008:])
    blocks = read_found(found_files.find([f"{tmp_path}/*"])[0], OPTIONS)
    assert texts_of(blocks) == ["a", "b"] * 2000
    [unread_bytes] = [block.unread_bytes for block in blocks]
    assert len(lost) - 1008 <= unread_bytes <= len(lost)


def test_damage_that_only_a_checksum_finds_is_told(tmp_path):
    """Of gzip, which may go on for long: rows behind the damage are garbled, and those before it are right."""
    (tmp_path / "a.csv.gz").write_bytes(damaged(gzip.compress(CONTENT), "written over"))
    blocks = read_found(found_files.find([f"{tmp_path}/*"])[0], OPTIONS)
    assert texts_of(blocks)[:5000] == TEXTS[:5000]
    assert [reject[2] for reject in rejects_of(blocks)][-1] == "damaged_file"
    assert sum(reject[2] == "damaged_file" for reject in rejects_of(blocks)) == 1


def test_rows_before_the_damage_of_parquet_stay(tmp_path):
    packed = bytearray(parquet({"text": TEXTS[:4000]}, rows_per_group=1000))
    packed[len(packed) * 2 // 3 : len(packed) * 2 // 3 + 200] = bytes(200)
    (tmp_path / "a.parquet").write_bytes(packed)
    for size in (1 << 20, 200_000):
        options = ReadOptions(columns=("text",), block_bytes=size, extent_bytes=size)
        blocks = read_found(found_files.find([f"{tmp_path}/*"])[0], options)
        # Row groups behind a damaged one are other extents, where the file is cut into several.
        last = TEXTS[3000:4000] if size == 200_000 else []
        assert texts_of(blocks) == TEXTS[:2000] + last
        assert rejects_of(blocks) == [(f"{tmp_path}/a.parquet", 2001, "damaged_file")]
        [reject] = [reject for block in blocks for reject in block.rejects]
        assert reject.raw.startswith("damaged behind row 2,000: ")


def zip_of(contents: dict[str, bytes]) -> bytes:
    """A .zip that is not compressed, so that the test knows where each member lies."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_other_members_of_a_zip_go_on(tmp_path):
    packed = zip_of({"a.csv": b"text\nfirst\n", "b.csv": CONTENT, "c.csv": b"text\nlast\n"})
    (tmp_path / "a.zip").write_bytes(packed.replace(TEXTS[7998].encode(), TEXTS[7998].upper().encode()))
    blocks = read_found(found_files.find([f"{tmp_path}/*"])[0], OPTIONS)
    texts = texts_of(blocks)
    count = len(texts) - 2
    assert 7500 < count < 7998
    assert texts == ["first", *TEXTS[:count], "last"]
    assert rejects_of(blocks) == [(f"{tmp_path}/a.zip:b.csv", count + 2, "damaged_file")]
    unread_bytes = len("".join(f"{text}\n" for text in TEXTS[count:]))
    assert sum(block.unread_bytes for block in blocks) == unread_bytes


@pytest.mark.parametrize("how", ["cut", "written over"])
def test_members_of_a_tar_are_read_up_to_its_damage(tmp_path, how):
    packed = damaged(gzip.compress(tarred({"a.csv": b"text\nfirst\n", "b.csv": CONTENT, "c.csv": CONTENT})), how)
    (tmp_path / "a.tgz").write_bytes(packed)
    blocks = read_found(found_files.find([f"{tmp_path}/*"])[0], OPTIONS)
    first, *texts = texts_of(blocks)
    assert first == "first"
    count = len(texts)
    assert count > 8000
    assert texts[:8000] == TEXTS  # Before damage shows, some bytes of the next member may be others.
    # Of what comes behind the member with the damage, nothing is known.
    [(file, _, reason)] = rejects_of(blocks)
    assert file.startswith(f"{tmp_path}/a.tgz:")
    assert reason == "damaged_file"
    # As the archive lies, not as its members are.
    assert sum(block.unread_bytes for block in blocks) < len(packed) / 3 + 1000


@pytest.mark.parametrize("end", ["", ".gz"])
def test_what_stands_behind_a_damaged_header_of_a_tar_is_lost(tmp_path, end):
    content = {
        f"{number}.csv": b"text\n" + random.Random(number).randbytes(50_000).hex().encode() for number in range(4)
    }
    packed = tarred(content)
    begin = packed.index(b"2.csv")
    packed = packed[:begin] + b"\xff" * 512 + packed[begin + 512 :]
    (tmp_path / f"a.tar{end}").write_bytes(gzip.compress(packed) if end else packed)
    blocks = read_found(found_files.find([f"{tmp_path}/*"])[0], OPTIONS)
    assert len(texts_of(blocks)) == 2
    [reject] = [reject for block in blocks for reject in block.rejects]
    assert reject.file == f"{tmp_path}/a.tar{end}"
    assert reject.raw.startswith(f"damaged behind uncompressed byte 0: {tmp_path}/a.tar{end} cannot be read as tar: ")
    share = sum(block.unread_bytes for block in blocks) / (tmp_path / f"a.tar{end}").stat().st_size
    # What a buffer held is read with what is before.
    assert 0.2 < share < 0.51


def test_a_member_of_a_zip_is_read_up_to_damage_in_its_middle(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", CONTENT)
    data = bytearray(packed.getvalue())
    data[len(data) // 2 : len(data) // 2 + 300] = b"\xff" * 300
    (tmp_path / "a.zip").write_bytes(data)
    texts = texts_of(read_found(found_files.find([f"{tmp_path}/*"])[0], OPTIONS))
    count = len(TEXTS) * 2 // 5
    assert texts[:count] == TEXTS[:count]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"SQLite format 3\0" + bytes(99), "unreadable_file"),
        ("a.csv", b"version https://git-lfs.github.com/spec/v1\n", "unreadable_file"),
        ("a.reviews", b"text\na\n", "unreadable_file"),
        ("a.zip", b"text\na\n", "damaged_file"),
        ("a.parquet", b"PAR1" + bytes(100), "damaged_file"),
        ("a.csv.gz", gzip.compress(b"text\na\n")[:12], "damaged_file"),
    ],
)
def test_what_cannot_be_read_at_all_is_one_reject(tmp_path, name, content, reason):
    """Nobody had looked at it before the job; its neighbours are read."""
    (tmp_path / name).write_bytes(content)
    (tmp_path / "z.csv").write_bytes(b"text\nlast\n")
    blocks = read_found(found_files.find([f"{tmp_path}/*"])[0], OPTIONS)
    assert texts_of(blocks) == ["last"]
    assert rejects_of(blocks) == [(f"{tmp_path}/{name}", 0, reason)]
    assert sum(block.unread_bytes for block in blocks) == len(content)
    assert (blocks[0].extent, blocks[-1].next_extent) == (Position(0), Position(2))


@contextlib.contextmanager
def replaced_when_read_again(monkeypatch, path, whole: bytes):
    """A file that is damaged for whoever opens it first, and whole for the next one."""
    opened = []
    open_bytes = storage.open_bytes

    @contextlib.contextmanager
    def counted(name, wanted_bytes=1):
        opened.append(name)
        with open_bytes(name, wanted_bytes) as file:
            yield file if len(opened) == 1 else io.BytesIO(whole)

    with monkeypatch.context() as patch:
        patch.setattr(read_extents, "WHOLE_BYTES", 0)
        patch.setattr(storage, "open_bytes", counted)
        yield
    assert opened == [str(path)] * 2


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("a.csv.gz", gzip.compress(CONTENT)),
        ("a.csv.gz", gzip.compress(b"text\na\n")),
        ("a.zip", zip_of({"a.csv": b"text\na\n"})),
        ("a.parquet", parquet({"text": TEXTS[:2000]}, rows_per_group=500)),
    ],
)
def test_damage_that_is_gone_at_the_second_reading_is_an_error_of_the_disk(tmp_path, monkeypatch, name, whole):
    """Else a network that flips bits would cost rows in silence."""
    is_parquet = name.endswith("parquet")
    (tmp_path / name).write_bytes(
        whole[: len(whole) // 2] + bytes(200) + whole[len(whole) // 2 + 200 :]
        if is_parquet
        else whole[: len(whole) - 9]
    )
    [extent] = list_extents(found_files.find([f"{tmp_path}/*"])[0], OPTIONS)
    with (
        replaced_when_read_again(monkeypatch, tmp_path / name, whole),
        pytest.raises(OSError, match=r"when it was read"),
    ):
        list(read_extents.read(extent, OPTIONS))


def test_a_disk_that_cannot_be_read_is_no_damage(tmp_path, monkeypatch):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(CONTENT))
    [extent] = list_extents(found_files.find([f"{tmp_path}/*"])[0], OPTIONS)
    broken = Breaking((tmp_path / "a.csv.gz").read_bytes(), 1 << 16, OSError(errno.EIO, "Input/output error"))
    broken.read = broken.read1
    monkeypatch.setattr(read_extents, "WHOLE_BYTES", 0)
    monkeypatch.setattr(storage, "open_bytes", lambda path, wanted_bytes=1: contextlib.nullcontext(broken))
    with pytest.raises(OSError, match="Input/output error"):
        list(read_extents.read(extent, OPTIONS))


def test_damage_is_told_with_what_is_lost():
    file = InputFile(3, "/in/a.zip", "csv", None, 5000, member="b.csv", member_number=2)
    rejected = damage.reject_rest(file, EOFError("it ends"), offset=1234, row_number=9, unread_bytes=3766)
    assert rejected.reject.raw == "damaged behind uncompressed byte 1,234: it ends; 3,766 of 5,000 bytes are not read"
    assert (rejected.reject.file, rejected.reject.row_number) == ("/in/a.zip:b.csv", 9)
    assert (rejected.position(0), rejected.unread_bytes) == (Position(3, 2, 1234), 3766)


@pytest.mark.parametrize("end", [".bz2", ".zst"])
@pytest.mark.parametrize("around", ["zip", "tar", "tar.gz"])
def test_a_compressed_member_is_read_up_to_its_damage(tmp_path, end, around):
    """Whether it or what is around it notices first."""
    # Of bzip2, a block is lost with its damage: here two files behind each other.
    good, lost = COMPRESS[end](CONTENT), COMPRESS[end](b"".join(b"%d lost\n" % number for number in range(90_000)))
    place = len(lost) // 2
    damaged_half = lost[:place] + bytes(300) + lost[place + 300 :]
    if around == "zip":
        # With the checksum of what was whole.
        archive = zip_of({f"a.csv{end}": good + lost}).replace(lost, damaged_half)
    else:
        archive = tarred({f"a.csv{end}": good + damaged_half})
        archive = gzip.compress(archive) if around == "tar.gz" else archive
    (tmp_path / f"a.{around}").write_bytes(archive)
    blocks = read_found(found_files.find([f"{tmp_path}/*"])[0], OPTIONS)
    texts = texts_of(blocks)
    assert texts[: len(TEXTS)] == TEXTS
    [reject] = [reject for block in blocks for reject in block.rejects if reject.reason == "damaged_file"]
    assert reject.file == f"{tmp_path}/a.{around}:a.csv{end}"
    unread_bytes = sum(block.unread_bytes for block in blocks)
    assert len(lost) - place - 300 <= unread_bytes <= len(lost) + 5000
