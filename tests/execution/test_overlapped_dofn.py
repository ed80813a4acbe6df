"""A step in threads puts out what it would without them, and an error in a thread fails its bundle alone."""

import threading

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from beam_pipelines.execution import counters
from beam_pipelines.execution.overlapped_dofn import OverlappedDoFn


class Square(OverlappedDoFn):
    """Gives the square of each number, tags that of an odd one, and puts out the numbers of the bundle at its end."""

    threads = 2

    def start_bundle(self):
        super().start_bundle()
        self._numbers = []

    def process_one(self, element, stopwatch):
        with stopwatch.timed("square"):
            if element < 0:
                raise ValueError(f"{element} is negative")
            self._numbers.append(element)
            square = element * element
            return [beam.pvalue.TaggedOutput("odd", square) if element % 2 else square]

    def flush(self):
        return [beam.pvalue.TaggedOutput("numbers", sorted(self._numbers))]


class InTurn(OverlappedDoFn):
    """Gives each number twice; the even ones are done only after the odd ones that follow them."""

    threads = 2

    def setup(self):
        super().setup()
        self.done = [threading.Event() for _ in range(6)]

    def process_one(self, element, stopwatch):
        if element % 2 == 0:
            assert self.done[element + 1].wait(timeout=30)
        self.done[element].set()
        return [element, element]


class Parts(OverlappedDoFn):
    """Takes a number apart into those below it; tells in which thread and when each step was done."""

    threads = 2

    def setup(self):
        super().setup()
        self.collected, self.taken = [], []

    def split(self, element):
        for part in range(element):
            self.taken.append(part)
            yield part

    def process_one(self, part, stopwatch):
        return [(part, threading.current_thread() is threading.main_thread())]

    def collect(self, output):
        part, was_main_thread = output
        assert threading.current_thread() is threading.main_thread()
        assert not was_main_thread
        self.collected.append(part)
        yield from [part] * (part % 2)


@pytest.fixture
def started():
    """Starts the threads of steps, and ends them after the test."""
    steps = []

    def start(step: OverlappedDoFn) -> OverlappedDoFn:
        step.setup()
        steps.append(step)
        step.start_bundle()
        return step

    yield start
    for step in steps:
        step.teardown()


def at_end(step: OverlappedDoFn) -> list:
    """What a step puts out at the end of a bundle, without the windows."""
    values = [output.value for output in step.finish_bundle()]
    return [value.value if hasattr(value, "windows") else value for value in values]


def test_outputs_come_in_the_order_of_the_elements(started):
    step = started(InTurn())
    outputs = [output for element in range(6) for output in step.process(element)] + at_end(step)
    assert outputs == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_it_holds_no_more_elements_than_it_has_threads(started):
    step = started(Square())
    assert [list(step.process(element)) for element in (0, 2, 4, 6)] == [[], [], [0], [4]]
    assert at_end(step) == [16, 36, [0, 2, 4, 6]]


def test_the_parts_of_an_element_are_processed_apart_and_collected_in_order(started):
    step = started(Parts())
    assert list(step.process(5)) == [1]
    # No more are taken apart than there are threads for.
    assert (step.taken, step.collected) == ([0, 1, 2, 3, 4], [0, 1, 2])
    assert list(step.process(2)) == [3]
    assert at_end(step) == [1]
    assert step.collected == [0, 1, 2, 3, 4, 0, 1]


def test_a_part_is_taken_when_there_is_room_for_it(started):
    """A large element is never held whole."""
    step = started(Parts())
    outputs = step.process(100)
    assert next(outputs) == 1
    assert len(step.taken) <= 5


def test_it_does_in_a_pipeline_what_it_would_without_threads():
    pipeline = beam.Pipeline(runner="FnApiRunner")
    outputs = pipeline | beam.Create([range(5)]) | beam.FlatMap(list) | beam.ParDo(Square()).with_outputs(main="even")
    assert_that(outputs.even, equal_to([0, 4, 16]), label="even")
    assert_that(outputs.odd, equal_to([1, 9]), label="odd")
    assert_that(outputs.numbers, equal_to([[0, 1, 2, 3, 4]]), label="numbers")
    result = pipeline.run()
    result.wait_until_finish()
    assert counters.read(result).keys() == {"square_microseconds"}


@pytest.mark.parametrize("elements", [[-1], [1, -1], [1, 2, 3, -1, 4, 5]])
def test_an_error_in_a_thread_ends_the_pipeline(elements):
    pipeline = beam.Pipeline(runner="FnApiRunner")
    pipeline | beam.Create(elements) | beam.ParDo(Square()).with_outputs()
    with pytest.raises(ValueError, match="-1 is negative"):
        pipeline.run().wait_until_finish()


def test_a_bundle_that_failed_leaves_nothing_to_the_next(started):
    step = started(Square())
    assert [*step.process(-1), *step.process(2)] == []
    with pytest.raises(ValueError, match="-1 is negative"):
        list(step.process(4))
    step.start_bundle()
    assert list(step.process(6)) == []
    assert at_end(step) == [36, [6]]


class Interrupted(OverlappedDoFn):
    """Waits for good, unless it is interrupted."""

    def setup(self):
        super().setup()
        self.ended = threading.Event()

    def process_one(self, part, stopwatch):
        if part == "interrupt":
            raise KeyboardInterrupt
        assert self.ended.wait(timeout=30)
        return []

    def interrupt(self):
        self.ended.set()


@pytest.mark.parametrize("elements", [["interrupt", "wait"], ["interrupt"]])
def test_an_interruption_of_what_the_runner_waits_for_ends_the_threads(elements):
    dofn = interrupted(elements)
    with pytest.raises(KeyboardInterrupt):
        list(dofn.finish_bundle())
    dofn.teardown()
    assert dofn.ended.is_set()


def test_an_interruption_of_the_runner_elsewhere_ends_the_threads_too():
    """Such as while it reads the next element: then nobody has waited for the threads."""
    dofn = interrupted(["wait"])
    dofn.teardown()
    assert dofn.ended.is_set()


def test_threads_that_are_done_are_not_interrupted():
    dofn = interrupted([])
    assert list(dofn.finish_bundle()) == []
    dofn.teardown()
    assert not dofn.ended.is_set()


def interrupted(elements) -> Interrupted:
    dofn = Interrupted()
    dofn.threads = 2
    dofn.setup()
    dofn.start_bundle()
    for element in elements:
        assert list(dofn.process(element)) == []
    return dofn
