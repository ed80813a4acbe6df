"""What is compressed is read to its end, and an end that comes too early is an error."""

import contextlib
import errno
import io
import random
import shutil
import subprocess
import tarfile

import pytest
import zstandard

from beam_pipelines.archive.finding import decompression
from beam_pipelines.archive.finding.decompression import DamagedData
from tests.helpers.archives import COMPRESS

COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
TEXT = b"".join(b"review %d\n" % row for row in range(30_000))


def decompressed(data: bytes, compression: str) -> bytes:
    with decompression.decompress(io.BytesIO(data), compression) as stream:
        return stream.read()


@pytest.fixture(params=COMPRESSIONS)
def end(request) -> str:
    return request.param


def test_it_is_known_by_its_first_bytes(end):
    for data in (TEXT, b""):
        packed = COMPRESS[end](data)
        assert decompression.compression_of(packed[: decompression.LONGEST_FIRST_BYTES]) == COMPRESSIONS[end]
        assert decompressed(packed, COMPRESSIONS[end]) == data


@pytest.mark.parametrize("start", [b"", b"text,id\n", b"BZh,id\n", b"BZh1,id", b"\x1f", b"PK\x03\x04", b"\xff\xfet\0"])
def test_other_bytes_are_not_compressed(start):
    assert decompression.compression_of(start) is None


@pytest.mark.parametrize("between", [b"", b"\n", b"\r\n", bytes(40_000)])
def test_files_behind_each_other_are_read_to_the_last(end, between):
    """As `cat a.gz b.gz`, parallel writers and logs that are appended to make them."""
    compress = COMPRESS[end]
    packed = between.join([compress(TEXT), compress(b""), compress(b"last"), b""])
    assert decompressed(packed, COMPRESSIONS[end]) == TEXT + b"last"


@pytest.mark.parametrize("files", [1, 2])
def test_one_that_is_cut_short_is_an_error(end, files):
    packed = COMPRESS[end](TEXT) * files
    for missing in (1, 7, len(packed) // files // 2):
        with pytest.raises(DamagedData, match=f"it ends in the middle of its {COMPRESSIONS[end]} data"):
            decompressed(packed[:-missing], COMPRESSIONS[end])


def test_what_stands_behind_it_is_not_passed_over(end, tmp_path):
    (tmp_path / "FILE").write_bytes(COMPRESS[end](TEXT) * 2 + b"more,rows\n")
    with pytest.raises(
        DamagedData, match=f"behind its {COMPRESSIONS[end]} data stands something else; `.*` keeps"
    ) as told:
        decompressed((tmp_path / "FILE").read_bytes(), COMPRESSIONS[end])
    if shutil.which(COMPRESSIONS[end]):
        subprocess.run(["bash", "-c", str(told.value).split("`")[1]], cwd=tmp_path, stderr=subprocess.DEVNULL)
        assert (tmp_path / "START").read_bytes() == TEXT * 2


@pytest.mark.parametrize("end", [".gz", ".bz2", ".xz"])
def test_damaged_bytes_are_an_error(end):
    """But for zstd, which keeps no checksum unless its writer asks for one."""
    packed = bytearray(COMPRESS[end](TEXT))
    packed[len(packed) // 2 : len(packed) // 2 + 50] = bytes(50)
    with pytest.raises(DamagedData):
        decompressed(bytes(packed), COMPRESSIONS[end])


def test_zstd_of_a_long_window_and_frames_to_skip():
    """`zstd --long=31`, and the index that `pzstd` puts before each frame."""
    options = zstandard.ZstdCompressionParameters(window_log=31, hash_log=6, chain_log=6)
    writer = zstandard.ZstdCompressor(compression_params=options).compressobj()
    long = writer.compress(TEXT) + writer.flush()
    assert zstandard.get_frame_parameters(long).window_size == 1 << 31
    skipped = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"skip"
    assert decompression.compression_of(skipped) == "zstd"
    assert decompressed(skipped + long + skipped + zstandard.compress(b"more"), "zstd") == TEXT + b"more"


def test_the_stream_below_stays_open():
    raw = io.BytesIO(COMPRESS[".gz"](TEXT))
    with decompression.decompress(raw, "gzip") as stream:
        assert stream.peek(6)[:6] == b"review"
    assert raw.seek(0) == 0


def before_damage(packed: bytes, compression: str, size: int) -> bytes:
    """What comes before the damage, so many bytes at once."""
    found = []
    stream = decompression.decompress(io.BytesIO(packed), compression)
    with stream, contextlib.suppress(decompression.DamagedData):
        while piece := stream.read1(size):
            found.append(piece)
        pytest.fail("no damage was found")
    return b"".join(found)


@pytest.mark.parametrize("damage", ["cut", "zeros"])
def test_the_same_bytes_come_before_damage_however_many_are_read_at_once(end, damage):
    if (end, damage) == (".zst", "zeros"):
        pytest.skip("zstd keeps no checksum unless its writer asks for one")
    packed = COMPRESS[end](TEXT)
    middle = len(packed) // 2
    packed = packed[:middle] + (b"" if damage == "cut" else bytes(50) + packed[middle + 50 :])
    found = {before_damage(packed, COMPRESSIONS[end], size) for size in (1000, 1 << 16, 100_000)}
    assert len(found) == 1
    # Of changed bytes, some become others before it shows.
    assert damage == "zeros" or TEXT.startswith(*found)


@pytest.mark.parametrize("end", [".gz", ".bz2", ".zst"])
def test_all_comes_before_the_damage_of_a_checksum(end):
    """It stands behind the data of a file, which is here the second one of two. But for xz, which has it in blocks."""
    packed = bytearray(COMPRESS[end](TEXT) + (checked_zstd(TEXT) if end == ".zst" else COMPRESS[end](TEXT)))
    packed[-2] ^= 0xFF
    assert before_damage(bytes(packed), COMPRESSIONS[end], 1 << 16) == TEXT * 2


def checked_zstd(text: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(text)


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_a_damaged_member_of_a_compressed_tar_is_read_up_to_its_damage(end, compression):
    """Its stream cannot go back."""
    packed = COMPRESS[end](TEXT)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode=f"w:{compression}") as tar:
        info = tarfile.TarInfo(f"a.csv{end}")
        info.size = len(packed) // 2
        tar.addfile(info, io.BytesIO(packed[: info.size]))
    archive.seek(0)
    with tarfile.open(fileobj=archive, mode=f"r|{compression}") as tar:
        stream = decompression.decompress(tar.extractfile(next(iter(tar))), COMPRESSIONS[end])
        pieces = iter(lambda: stream.read1(1000), b"")
        with stream, pytest.raises(DamagedData):
            assert all(piece in TEXT for piece in pieces)


class ReadOnce(io.BytesIO):
    """A stream whose disk fails where it is read again."""

    furthest = 0

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() < self.furthest:
            raise OSError(errno.EIO, "Input/output error")
        data = super().read(size)
        self.furthest = self.tell()
        return data


def test_a_disk_that_fails_while_damage_is_looked_into_is_no_damage():
    packed = bytearray(checked_zstd(random.Random(0).randbytes(100_000)))
    packed[-2] ^= 0xFF
    with (
        decompression.decompress(ReadOnce(packed), "zstd") as stream,
        pytest.raises(OSError, match="Input/output error"),
    ):
        stream.read()


def test_no_part_of_a_damaged_block_is_taken_for_text():
    """It is decompressed before its checksum shows that it is another."""
    packed = COMPRESS[".bz2"](TEXT)
    for place in range(100, len(packed) - 20, len(packed) // 25):
        flipped = packed + packed[:place] + bytes([packed[place] ^ 1]) + packed[place + 1 :]
        assert before_damage(flipped, "bzip2", 1 << 16) == TEXT
