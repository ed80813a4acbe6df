"""What a file is by its first bytes, whatever its name says."""

import os
import re
import tarfile

# Of a tar, whose first header is a block of this size.
COUNT = tarfile.BLOCKSIZE
EXPORT = "export it as CSV, JSON lines or Parquet"
# Known by their first bytes or, where these tell nothing, by their names.
_LZ4 = ("compressed by lz4", "decompress it first: lz4 -d")
_LZMA = ("compressed by lzma", "decompress it first: xz --format=lzma -d")
_SEVEN_ZIP = ("a 7z archive", "unpack it first: 7z x")
_RAR = ("a RAR archive", "unpack it first: unrar x")
_KINDS: list[tuple[bytes, str, str]] = [
    # The first bytes, what they are of, and what to do.
    (rb"version https://git-lfs", "a Git LFS pointer, not the file itself", "fetch the file with `git lfs pull`"),
    (
        rb"(?:\xef\xbb\xbf)?\s*(?i:<!doctype html|<html)",
        "an HTML page",
        "download the file itself; the page may say what is missing",
    ),
    (rb"(?:\xef\xbb\xbf)?\s*<\?xml", "XML", EXPORT),
    (
        rb"\s*(?:--[^\n]*\n\s*)*(?i:create table|insert into|drop table|begin transaction|pragma foreign_keys"
        rb"|set statement_timeout|/\*!\d{5})",
        "an SQL dump",
        "export the table as CSV, as `\\copy ... csv header` of psql does",
    ),
    (rb"%PDF-", "a PDF", EXPORT),
    (rb"\{\\rtf", "a text with layout (RTF)", EXPORT),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a file of older Excel or Word (.xls, .doc)", EXPORT),
    (rb"Obj\x01", "Avro", EXPORT),
    (rb"ORC(?=.*[\x00-\x08])", "ORC", EXPORT),
    (rb"ARROW1\x00\x00|FEA1\x00{4}|\xff\xff\xff\xff....\x10\x00\x00\x00", "Arrow (Feather)", "save it as Parquet"),
    (rb"SQLite format 3\x00", "an SQLite database", "export the table as CSV, as `sqlite3 -csv -header` does"),
    (rb".{8}DUCK.\x00{7}", "a DuckDB database", "export the table with `COPY ... TO 'reviews.parquet'`"),
    (
        rb"\x80[\x02-\x05]",
        "a Python pickle",
        "save it as Parquet, as pandas' `to_parquet` does",
    ),
    (rb"\x89HDF\r\n\x1a\n", "HDF5", EXPORT),
    (
        rb"RD[XAB][23]\n[XAB]\n|X\n\x00\x00\x00[\x02\x03]",
        "R data (.rds, .RData)",
        "save it as CSV: `write.csv` of R",
    ),
    (rb"\x93NUMPY", "a NumPy array", EXPORT),
    (rb"\$FL[23]@\(#\)", "SPSS data", EXPORT),
    (rb"<stata_dta>", "Stata data", EXPORT),
    (rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a", "an image", "give the text that it shows"),
    (rb"\x04\x22\x4d\x18|\x02\x21\x4c\x18", *_LZ4),
    (rb"7z\xbc\xaf\x27\x1c", *_SEVEN_ZIP),
    (rb"Rar!\x1a\x07", *_RAR),
    (rb"\x1f[\x9d\xa0]", "compressed by compress (.Z)", "decompress it first: gunzip"),
    (rb"\x1f\x9e|\x1f\x1e", "compressed by pack (.z)", "decompress it first: gunzip"),
    (rb"LZIP\x01", "compressed by lzip", "decompress it first: lzip -d"),
    (rb"\x5d\x00\x00.{2}(\xff{8}|.{5}\x00{3})", *_LZMA),
    (rb"\xff\x06\x00\x00sNaPpY", "compressed by snappy", "decompress it first: snzip -d"),
    (rb"\x89LZO\x00", "compressed by lzop", "decompress it first: lzop -d"),
    (rb"MSCF\x00\x00\x00\x00", "a cabinet (.cab)", "unpack it first: cabextract"),
]
_ANY = re.compile(b"|".join(b"(?:%b)" % start for start, _, _ in _KINDS), re.DOTALL)
# What has no first bytes of its own is known by its name.
_NAMED = {
    ".br": ("compressed by brotli", "decompress it first: brotli -d"),
    ".deflate": ("compressed by deflate", "decompress it first: zlib-flate -uncompress"),
    ".lz4": _LZ4,
    ".lzma": _LZMA,
    ".7z": _SEVEN_ZIP,
    ".rar": _RAR,
}
# What an office program saves is a .zip, which its members tell; its name does where that is damaged.
_OFFICE = {
    (".xlsx", ".xlsm", ".xlsb", ".xltx"): "an Excel workbook",
    (".docx", ".docm", ".dotx"): "a Word document",
    (".pptx", ".pptm"): "a PowerPoint presentation",
    (".ods", ".odt", ".odp"): "an OpenDocument file (.ods, .odt)",
    (".numbers", ".pages"): "a file of Apple Numbers or Pages",
    (".epub",): "an e-book",
}
# What stands within the .zip that an office program saves, and others.
_MEMBERS = {
    "xl/workbook.xml": ("an Excel workbook", EXPORT),
    "xl/workbook.bin": ("an Excel workbook", EXPORT),
    "word/document.xml": ("a Word document", EXPORT),
    "ppt/presentation.xml": ("a PowerPoint presentation", EXPORT),
    "content.xml": ("an OpenDocument file (.ods, .odt)", EXPORT),
    "Index/Document.iwa": ("a file of Apple Numbers or Pages", EXPORT),
    "META-INF/container.xml": ("an e-book", EXPORT),
}


def is_parquet(start: bytes) -> bool:
    """Tells whether it is Parquet; a header of CSV may begin with PAR1 as well, but no field goes on so."""
    return start.startswith(b"PAR1\x15")


def is_zip(start: bytes) -> bool:
    return start.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"))


def is_tar(start: bytes) -> bool:
    """Tells whether it begins with the header of a tar's member, or is an empty tar."""
    block = start[: tarfile.BLOCKSIZE]
    if block == bytes(tarfile.BLOCKSIZE):
        return True
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def is_text(start: bytes) -> bool:
    """Tells whether these may be bytes of text, with any character that may stand between fields, or UTF-16.

    >>> is_text(b"1|good"), is_text(bytes(4))
    (True, False)
    """
    return start.startswith((b"\xff\xfe", b"\xfe\xff")) or not re.search(rb"[\x00\x04-\x08\x0e-\x19]", start)


def other_kind(start: bytes, name: str) -> str | None:
    """Tells what a file is that holds no rows, or not as they are read, and what to do; None where it may be one.

    >>> other_kind(b"%PDF-1.7", "reviews.csv")
    'is a PDF; export it as CSV, JSON lines or Parquet'
    """
    if _ANY.match(start):
        kind, what_to_do = next((kind, do) for pattern, kind, do in _KINDS if re.match(pattern, start, re.DOTALL))
        return f"is {kind}; {what_to_do}"
    return other_kind_named(name)


def other_kind_named(name: str) -> str | None:
    """The same by the name alone."""
    if told := _NAMED.get(os.path.splitext(name.lower())[1]):
        return "is {}; {}".format(*told)
    return None


def office_kind_named(name: str) -> str | None:
    """Tells what an office program saves under such a name.

    >>> office_kind_named("Reviews.XLSX"), office_kind_named("reviews.zip")
    ('an Excel workbook', None)
    """
    return next((kind for ends, kind in _OFFICE.items() if name.lower().endswith(ends)), None)


def damaged_office_file(name: str) -> str | None:
    """Tells by its name what a file is that its bytes do not tell, and what to do; None of another name."""
    kind = office_kind_named(name)
    return f"is {kind} by its name, and damaged; {EXPORT} from a whole copy" if kind else None


def other_kind_of_zip(members: list[str]) -> str | None:
    """The same of a .zip by the names of its members, an office program's file or an archive of arrays."""
    for member, (kind, what_to_do) in _MEMBERS.items():
        if member in members:
            return f"is {kind}; {what_to_do}"
    if members and all(member.endswith(".npy") for member in members):
        return f"is an archive of NumPy arrays; {EXPORT}"
    return None
