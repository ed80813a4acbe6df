"""The vectors and the tokens of a whole job: wrong ones are refused or doubted, cased ones found."""

import numpy as np
import pytest

from beam_pipelines.errors import UserError
from tests.helpers.commands import run_preprocess
from tests.helpers.reviews import write_csv


def test_vectors_of_other_words_are_refused(tmp_path, archive):
    (tmp_path / "glove.txt").write_text("inconnu 1 2\n")
    with pytest.raises(UserError, match="none of its words is a token of the training split"):
        run_preprocess(tmp_path, archive, "--score_column=score", f"--embeddings={tmp_path}/glove.txt")
    assert not (tmp_path / "out" / ".tmp").exists()


def test_texts_without_a_token_are_told_before_the_second_reading(tmp_path):
    archive = write_csv(tmp_path / "a.csv", [{"text": "-" * length + " ...", "score": 50} for length in range(1, 60)])
    shares = ["--test_share=0", "--validation_share=0"]
    for flags, hint in (
        (shares, "is --text_column right\\?\n"),
        ([], "If so, lower --test_share and --validation_share"),
    ):
        with pytest.raises(UserError, match=f"no rated row with words fell into the training split; .*{hint}"):
            run_preprocess(tmp_path, archive, "--score_column=score", *flags)


def test_vectors_of_few_words_and_texts_of_single_tokens_are_doubted(tmp_path, caplog):
    ids = write_csv(tmp_path / "a.csv", [{"text": f"B{number}", "score": number % 100} for number in range(300, 400)])
    run_preprocess(tmp_path, ids, "--score_column=score")
    assert "most reviews are a single token, such as b3" in caplog.text
    (tmp_path / "glove.txt").write_text("".join(f"b{number} 1 2\n" for number in range(300, 310)))
    run_preprocess(tmp_path, ids, "--score_column=score", f"--embeddings={tmp_path}/glove.txt", "--overwrite")
    assert f"% of the tokens have a vector in --embeddings {tmp_path}/glove.txt; the most frequent ones" in caplog.text


def test_cased_vectors_are_those_of_the_tokens(tmp_path, rows):
    archive = write_csv(tmp_path / "a.csv", [{"text": f"Ein Film {row % 7}", "score": row} for row in range(100)])
    (tmp_path / "de.vec").write_text("Film 1 2\nein 3 4\nEIN 5 6\nHaus 7 8\n")
    statistics = run_preprocess(tmp_path, archive, "--score_column=score", f"--embeddings={tmp_path}/de.vec")
    assert statistics["vocabulary"]["embedding_hits"] == 2
    vocabulary = (tmp_path / "out/transform/transform_fn/assets/vocabulary.txt").read_text().splitlines()
    vectors = dict(zip(vocabulary, np.load(tmp_path / "out/vectors.npy")[2:].tolist(), strict=True))
    assert [vectors[token] for token in ("ein", "film", "haus")] == [[3, 4], [1, 2], [7, 8]]
