import pathlib

from benchmarks import vocabulary_scale


def test_a_made_up_archive_has_the_tokens_that_are_asked_for(tmp_path):
    vectors = tmp_path / "vectors.txt"
    vocabulary_scale.write_vectors(vectors, words=30, dim=4)
    assert [len(line.split()) for line in vectors.read_text().splitlines()] == [5] * 30
    # All words have an id, and of the others, of which there are 970, those that `preprocess` learns by default.
    for embeddings, ids in ((str(vectors), 30 + 970), (None, 1000)):
        folder = str(tmp_path / f"{embeddings is None}")
        written = vocabulary_scale.write_counts(folder, 1000, 30, archive_gb=0.2, embeddings=embeddings)
        assert written["parts"] == 55
        assert 0 < written["largest_mb"] < 0.01
        found = vocabulary_scale.choose(folder, written["counted"], embeddings)
        assert found["ids"] == ids + 2
        assert 0 < found["loaded_mb"] <= found["peak_mb"]
        assert pathlib.Path(folder, "vectors.npy").exists()
