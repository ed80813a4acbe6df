"""The flags of the local server: what they refuse, and the versions and labels that they name."""

import pytest

from serving.local_server.settings import LocalSettings


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"port": 70_000}, "--port 70000 is not a port: expected 0 to 65535"),
        ({"grpc_port": -1}, "--grpc_port -1 is not a port: expected 0 to 65535"),
        ({"port": 9, "grpc_port": 9}, "--port and --grpc_port are both 9: give two ports, or 0 for a free one"),
        ({"max_rows": 0}, "--max_rows 0 would refuse every request: expected 1 or more"),
        ({"model_name": "a/b"}, "--model_name a/b: expected letters, digits, _, - and ."),
        ({"versions": "1,new"}, "--versions 1,new: new is not the number of a version"),
        ({"labels": "stable"}, "--labels stable: expected LABEL=NUMBER, not stable"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        LocalSettings(export="trained", **given)


def test_versions_and_labels_are_listed_with_commas():
    settings = LocalSettings(export="trained", versions="1,20", labels="stable=1,canary=20")
    assert settings.pinned == {1, 20}
    assert settings.numbers_by_label == {"stable": 1, "canary": 20}
