"""Tells from its first bytes what a file is that holds no vectors as text, and what to do about it."""

import re

from beam_pipelines.errors import UserError

_AS_TEXT = "save_word2vec_format(..., binary=False)"
_NO_TEXT = {
    b"\x93NUMPY": "is a NumPy array, which holds no words; give text, on each line a word and its numbers",
    b"\xba\x16\x4f\x2f": "is fastText's binary model; give its text file (.vec), or save it as text: with gensim, "
    f"load_facebook_vectors(...).{_AS_TEXT}",
    b"\x89HDF": f"is an HDF5 file; save the vectors as text, with gensim {_AS_TEXT}",
    b"PAR1": "is a Parquet file; give text, on each line a word and its numbers",
    b"SQLite": "is a SQLite database; give text, on each line a word and its numbers",
    b"7z\xbc\xaf": "is a 7z archive; unpack it first",
    b"Rar!": "is a rar archive; unpack it first",
    b"\x04\x22\x4d\x18": "is compressed with lz4; unpack it first",
    b"\xff\xfe": "is text in UTF-16; convert it to UTF-8",
    b"\xfe\xff": "is text in UTF-16; convert it to UTF-8",
    b"version https://git-lfs.github.com": "is a pointer of Git LFS, not the file itself; get it with git lfs pull",
    b"/annex/objects/": "is a pointer of git-annex, not the file itself; get it with git annex get",
}
_WEB_PAGE = re.compile(rb"\s*(<!doctype html|<html|<\?xml)", re.IGNORECASE)
_WORD2VEC_HEADER = re.compile(rb"\d+[ \t]+(?P<dim>\d{1,5})[ \t]*\r?\n[^ ]+ ")
# What no text holds, but for a stray one; Unicode counts the last four to white space.
_CONTROL = bytes(code for code in range(28) if code not in b"\t\n\v\f\r")
_NO_NUMBERS = _CONTROL + bytes(range(127, 256))
_STRAY, _STRAY_SHARE = 3, 0.005


def refuse(head: bytes, source: str) -> None:
    """Refuses what is no text of vectors.

    Args:
      head: The first bytes of the file, unpacked.
      source: What --embeddings says, for the message.

    Raises:
      UserError: Says what it is instead.
    """
    what = _what_it_is(head.removeprefix(b"\xef\xbb\xbf"))
    if what:
        raise UserError(f"--embeddings {source} {what}")


def _what_it_is(head: bytes) -> str | None:
    for magic, what in _NO_TEXT.items():
        if head.startswith(magic):
            return what
    if _WEB_PAGE.match(head):
        return "is a web page that came in place of the file; download it anew"
    header = _WORD2VEC_HEADER.match(head)
    # A number and a space are two bytes of text, at least, so here no word of text follows.
    if header and _count(_NO_NUMBERS, head[header.end() :][: 2 * int(header["dim"])]):
        return (
            "is a binary file of word2vec; save it as text: with gensim, "
            f"KeyedVectors.load_word2vec_format(..., binary=True).{_AS_TEXT}"
        )
    if max(head[::2].count(0), head[1::2].count(0)) > len(head) / 4:
        return "is text in UTF-16; convert it to UTF-8"
    if _count(_CONTROL, head) > max(_STRAY, _STRAY_SHARE * len(head)):
        return f"is a binary file; save the vectors as text, a word and its numbers a line (with gensim, {_AS_TEXT})"
    return None


def _count(characters: bytes, data: bytes) -> int:
    return len(data) - len(data.translate(None, characters))
