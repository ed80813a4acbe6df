"""What a few lines do with the same archive: plain loops, each timed by itself, in reviews a second.

Start-up (imports, loading a model, a first batch) is left out.
"""

import concurrent.futures
import time

# Larger batches, and more threads than cores, were no faster.
BATCH = 256
FASTTEXT_EPOCHS = 3


def tokenise_and_look_up(path: str, data: str) -> float:
    """The TensorFlow graph that makes ids of texts and does no more, over texts in memory."""
    import tensorflow as tf

    from benchmarks import archive, notebook, process
    from trainer.data import PreparedReviews

    lookup = notebook.Lookup(notebook.vocabulary_file(PreparedReviews.load(data)))
    graph = tf.function(lambda text: lookup(text).flat_values, input_signature=[tf.TensorSpec([None], tf.string)])
    texts = [text for _, text in archive.read_rows(path)]
    parts = [texts[first : first + BATCH] for first in range(0, len(texts), BATCH)]

    def run(part: list[str]) -> None:
        graph(tf.constant(part)).numpy()

    run(parts[0])
    started = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(len(process.cores())) as pool:
        list(pool.map(run, parts))
    return len(texts) / (time.perf_counter() - started)


def fasttext_train(path: str, model: str, ngrams: int) -> None:
    """Trains a classifier of the scores; few epochs, since they change nothing in its speed."""
    import fasttext

    from benchmarks import archive

    lines = f"{model}.txt"
    with open(lines, "w", encoding="utf-8") as file:
        for title, text in archive.read_rows(path):
            file.write(f"__label__{archive.score_of(title):.0f} {' '.join(text.split())}\n")
    fasttext.train_supervised(lines, wordNgrams=ngrams, epoch=FASTTEXT_EPOCHS, verbose=0).save_model(model)


def fasttext_predict(path: str, model: str) -> float:
    """Reads the archive and predicts each text."""
    import fasttext

    from benchmarks import archive

    # The binding underneath: the package's own `predict` fails with NumPy 2.
    predict = fasttext.load_model(model).f.predict
    predict("warm up\n", 1, 0.0, "strict")
    started = time.perf_counter()
    found = [predict(text.replace("\n", " ") + "\n", 1, 0.0, "strict") for _, text in archive.read_rows(path)]
    return len(found) / (time.perf_counter() - started)


def count_and_number(path: str) -> float:
    """Reads the archive, makes tokens, counts them and gives each an id by falling count, in pure Python."""
    from benchmarks import archive

    table = str.maketrans(dict.fromkeys("!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r'", " "))
    started = time.perf_counter()
    counts: dict[str, int] = {}
    reviews = []
    for _, text in archive.read_rows(path):
        tokens = text.lower().translate(table).split()
        reviews.append(tokens)
        for token in tokens:
            counts[token] = counts.get(token, 0) + 1
    ids = {token: place for place, token in enumerate(sorted(counts, key=counts.__getitem__, reverse=True), 2)}
    numbered = [[ids[token] for token in tokens] for tokens in reviews]
    return len(numbered) / (time.perf_counter() - started)
