"""Texts that are rated are told from others, a part at a time."""

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.preparing import rated_texts
from beam_pipelines.preparing.rated_texts import RatedTexts

HASHES = np.unique(np.random.default_rng(2).integers(0, 2**63, 2000))
RATED, OTHERS = HASHES[::3], np.setdiff1d(HASHES, HASHES[::3])


def write(folder: object, hashes: np.ndarray, parts: int) -> None:
    part_of = rated_texts.part_of(hashes, parts)
    for part in np.unique(part_of).tolist():
        # In any order, as a runner may merge them.
        batch = pa.record_batch({"text": hashes[part_of == part][::-1]})
        assert rated_texts.write((part, batch), folder=str(folder)) == part


def test_parts_in_order_hold_hashes_in_order():
    edges = np.array([0, 2**62 - 1, 2**62, 2**63 - 1])
    assert rated_texts.part_of(edges, 2).tolist() == [0, 0, 1, 1]
    assert rated_texts.part_of(edges, 1).tolist() == [0, 0, 0, 0]
    for parts in (3, 16, 4096):
        found = rated_texts.part_of(HASHES, parts)
        assert (np.diff(found) >= 0).all()
        assert found[0] >= 0
        assert found[-1] < parts


@pytest.mark.parametrize("parts", [1, 16, 300])
@pytest.mark.parametrize("most", [0, 1, 700, 5000])
def test_the_first_texts_that_are_not_rated_are_found(tmp_path, parts, most):
    write(tmp_path, RATED, parts)
    found = RatedTexts(str(tmp_path), parts).others(HASHES, most)
    assert HASHES[found].tolist() == OTHERS[:most].tolist()


def test_only_the_parts_up_to_the_last_of_them_are_read(tmp_path):
    write(tmp_path, RATED, 16)
    for part in range(8, 16):
        (tmp_path / f"rated/{part:04d}.npy").write_bytes(b"")
    assert len(RatedTexts(str(tmp_path), 16).others(HASHES, 500)) == 500
    with pytest.raises(EOFError, match="No data left in file"):
        RatedTexts(str(tmp_path), 16).others(HASHES, 1300)


def test_without_rated_texts_all_are_others(tmp_path):
    assert RatedTexts(str(tmp_path), 16).others(HASHES, 3).tolist() == [0, 1, 2]
    assert RatedTexts(str(tmp_path), 16).others(HASHES[:0], 3).tolist() == []
