"""A runner that cannot be used is refused, and what a worker raised reaches the person as it was."""

import re
import traceback

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines.errors import UserError, user_error_of
from beam_pipelines.execution import runners
from beam_pipelines.scoring.settings import ScoreSettings

DATAFLOW = [
    *("--runner=DataflowRunner", "--project=my-project", "--region=us-central1", "--temp_location=gs://b/tmp"),
    "--sdk_container_image=gcr.io/mine",
]


def options_of(*arguments: str) -> dict:
    return runners.options_of(list(arguments), ScoreSettings, "beam_pipelines.score").get_all_options()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], "FnApiRunner"),
        (["--runner=DirectRunner"], "FnApiRunner"),
        (["--runner", "direct"], "FnApiRunner"),
        (["--runner=directrunner"], "FnApiRunner"),
        (["--runner=Direct"], "FnApiRunner"),
        (["--runner=FlinkRunner", "--job_server_java_launcher=true"], "FlinkRunner"),
        (["--runner=PrismRunner"], "PrismRunner"),
    ],
)
def test_the_direct_runner_downloads_nothing(given, expected):
    """Beam takes the name in any case; its own DirectRunner would first fetch another runner."""
    assert options_of(*given)["runner"] == expected


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--runner=Foo"], "--runner Foo is unknown; Beam has BundleBasedDirectRunner, DataflowRunner, DirectRunner, "),
        (["--runner=no.such.Runner"], "--runner no.such.Runner cannot be used here: No module named 'no'"),
        (
            ["--runner=DataflowRunner", "--region=us-central1"],
            "--runner DataflowRunner also needs --project PROJECT and ",
        ),
        (DATAFLOW, "gs://b/tmp: no Google Cloud credentials found; "),
        (["--runner=PrismRunner", "--s3_session_token=t"], "--s3_session_token would stand in the job's description, "),
        (["--runner=PrismRunner", "--prism_location=/no/prism"], "--prism_location /no/prism does not exist"),
    ],
)
def test_a_runner_that_cannot_be_used_is_refused_before_any_work(no_credentials, arguments, sentence):
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}"):
        options_of(*arguments)


IN_MEMORY = ["--runner=FnApiRunner"]
IN_PROCESSES = [*IN_MEMORY, "--direct_running_mode=multi_processing", "--direct_num_workers=2"]


class Raise(beam.DoFn):
    """Raises an error in a worker: in `setup`, or for an element."""

    def __init__(self, error: BaseException, *, in_setup: bool = False):
        self.error, self.in_setup = error, in_setup

    def setup(self):
        if self.in_setup:
            raise self.error

    def process(self, element):
        raise self.error


def run(step: beam.DoFn, arguments: list[str] = IN_MEMORY):
    root = beam.Pipeline(options=PipelineOptions(arguments))
    _ = root | beam.Create([1]) | beam.Reshuffle() | "Step" >> beam.ParDo(step)
    return runners.run(root)


@pytest.mark.parametrize("arguments", [IN_MEMORY, IN_PROCESSES], ids=["in memory", "multi-processing"])
@pytest.mark.parametrize("in_setup", [False, True])
def test_a_user_error_of_a_worker_keeps_its_message_and_status(arguments, in_setup):
    message = 'a.csv: "quoted" {braces}, two\nlines and \N{SNOWMAN} [while running]'
    step = Raise(UserError(message, status=3), in_setup=in_setup)
    with pytest.raises(UserError) as raised:
        run(step, arguments)
    assert (str(raised.value), raised.value.status) == (message, 3)


def test_a_system_error_of_a_worker_stays_one():
    with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device: '/x'$"):
        run(Raise(OSError(28, "No space left on device", "/x")))


def test_an_interrupted_worker_interrupts_the_command():
    with pytest.raises(KeyboardInterrupt):
        run(Raise(KeyboardInterrupt()))


def test_a_bug_of_a_worker_stays_one():
    with pytest.raises(ZeroDivisionError, match=r"^no number \[while running 'Step'\]$"):
        run(Raise(ZeroDivisionError("no number")))
    with pytest.raises(RuntimeError, match=r"(?s)Traceback .*ZeroDivisionError: no number"):
        run(Raise(ZeroDivisionError("no number")), IN_PROCESSES)


def test_the_error_that_was_not_caught_counts():
    """A traceback shows what was being handled before what was raised."""

    def fail():
        try:
            raise UserError("the cause", status=5)
        except UserError as error:
            raise UserError("the effect", status=4) from error

    try:
        fail()
    except UserError:
        restored = user_error_of(traceback.format_exc())
    assert (str(restored), restored.status) == ("the effect", 4)


@pytest.mark.parametrize(
    "text",
    [
        "Traceback ...\nUserError: mine, of another program",
        'Traceback ...\nValueError: review_scorer.UserError {"message": "quoted", "status": 0}',
        "review_scorer.UserError {broken}",
        'review_scorer.UserError {"message": "of a newer version", "reason": 7}',
    ],
)
def test_a_text_without_a_user_error_gives_none(text):
    assert user_error_of(text) is None


def test_a_bug_after_a_user_error_was_handled_is_not_hidden():
    try:
        try:
            raise UserError("handled")
        except UserError:
            raise KeyError("the bug")  # noqa: B904
    except KeyError:
        assert user_error_of(traceback.format_exc()) is None
