"""Flags that would give files which no server takes are refused before anything is written."""

import re

import pytest

from serving.configuring.settings import ConfigureSettings


@pytest.mark.parametrize(
    ("flag", "value", "sentence"),
    [
        ("model_name", "My Reviews", "--model_name My Reviews: give at most 63 lower-case letters, digits and -, "),
        ("model_name", 'a"}', '--model_name a"}: give at most 63 lower-case letters'),
        ("model_name", "1st", "--model_name 1st: give at most 63 lower-case letters, digits and -, a letter first"),
        ("image", "tensorflow/serving", "--image tensorflow/serving: pin a version, as in tensorflow/serving:2.20.0"),
        ("image", "tensorflow/serving:latest", "--image tensorflow/serving:latest: pin a version"),
        ("baked_image", "host:5000/reviews", "--baked_image host:5000/reviews: pin a version"),
        ("storage", "bucket", "--storage bucket: give an address such as s3://bucket/reviews or pvc://claim/path"),
        ("canary_percent", 101, "--canary_percent 101: give a number from 0 to 100"),
        ("cpus", 0, "--cpus 0: give at least 1"),
        ("memory_mib", 0, "--memory_mib 0: give at least 1"),
        (
            "max_batch_size",
            31,
            "--max_batch_size 31: give at least 32, the reviews of an export's largest warm-up request",
        ),
        ("max_execution_batch_size", 1001, "--max_execution_batch_size 1001: give at most --max_batch_size, 1000"),
        ("rest_port", 8500, "--rest_port, --grpc_port and --proxy_port: give three different ports from 1 to 65535"),
    ],
)
def test_a_wrong_value_is_refused(flag, value, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        ConfigureSettings("e", "o", **{flag: value})


@pytest.mark.parametrize(
    "image", ["tensorflow/serving:2.19.1", "host:5000/team/serving:1", f"host.org/serving@sha256:{'0af' * 21}0"]
)
def test_a_pinned_image_is_taken(image):
    assert ConfigureSettings("e", "o", image=image, baked_image=image).image == image
