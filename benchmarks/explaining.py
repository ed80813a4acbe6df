"""Measures what the reasons of scores cost: the memory of long reviews, and the time of a batch of ordinary ones.

    python -m benchmarks.explaining --model demo/trained
    python -m benchmarks.explaining --model demo/trained --before OLD/trained

Scores a dump with one long review with and without `--explain`, each in a process of its own, and times the signature
`explain`, by turns with that of an earlier export of the same model. The texts are those of `make demo`.
"""

import argparse
import pathlib
import statistics
import sys
import tempfile
import time

from benchmarks import memory, process

LONG_BYTES = (200_000, 1_000_000)
REVIEWS, WORDS = 32, 250
REPEATS = 9


def long_review(found: list[str], size: int) -> str:
    """Whole reviews in a row, of about so many bytes."""
    return " ".join(found)[:size]


def peaks(model: str, archive: pathlib.Path, work: pathlib.Path) -> tuple[float, float]:
    """The most memory, in MB, of scoring an archive without and with reasons."""
    found = []
    for name, flags in (("plain", {}), ("explained", {"explain": None})):
        output = work / f"{archive.stem}-{name}"
        given = {"input": archive, "model": model, "output": output, "text_column": "text"}
        found.append(process.run("beam_pipelines.score", **given, **flags).peak_mb)
    return found[0], found[1]


def seconds(models: list[str], texts: list[str]) -> list[tuple[float, float]]:
    """For each model the median wall time and processor time of explaining the texts, by turns."""
    import tensorflow as tf

    from beam_pipelines.artifacts import exports

    # A signature is gone when its model is.
    loaded = [tf.saved_model.load(exports.find(model).path) for model in models]
    taken: list[list[tuple[float, float]]] = [[] for _ in models]
    for repeat in range(REPEATS + 1):
        for place, model in enumerate(loaded):
            started = time.perf_counter(), time.process_time()
            model.signatures["explain"](text=tf.constant(texts))["points"].numpy()
            # The first call of each prepares the graph.
            if repeat:
                taken[place].append((time.perf_counter() - started[0], time.process_time() - started[1]))
    return [
        (statistics.median(wall), statistics.median(cpu)) for wall, cpu in (zip(*one, strict=True) for one in taken)
    ]


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--before", help="an earlier export of the same model")
    given = parser.parse_args(argv)
    models = [given.model, *([given.before] if given.before else [])]
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        found = memory.texts(work)
        for size in LONG_BYTES:
            archive = work / f"long-{size}.csv"
            memory.write(archive, [*found[:100], long_review(found, size)])
            plain, explained = peaks(given.model, archive, work)
            print(
                f"one review of {size:,} bytes: {explained:,.0f} MB with reasons, {plain:,.0f} MB without, "
                f"ratio {explained / plain:.2f}",
                flush=True,
            )
    texts = [" ".join(text.split()[:WORDS]) for text in found if len(text.split()) >= WORDS][:REVIEWS]
    for model, (wall, cpu) in zip(
        models, process.call("benchmarks.explaining", "seconds", models=models, texts=texts), strict=True
    ):
        print(f"{model}: {REVIEWS} reviews of {WORDS} words in {wall:.3f} s, {cpu:.3f} s of a core", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
