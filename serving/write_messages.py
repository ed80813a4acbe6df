"""Writes the descriptors of TensorFlow Serving's messages, from its own package: `make messages`."""

import pathlib

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
    prediction_log_pb2,
    regression_pb2,
)
from tensorflow_serving.config import model_server_config_pb2

DESCRIPTORS = pathlib.Path(__file__).with_name("messages.binpb")
OFFICIAL = (
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
    prediction_log_pb2,
    regression_pb2,
    model_server_config_pb2,
)


def official() -> descriptor_pb2.FileDescriptorSet:
    """Collects the descriptors of the official files and of all that they import, each after its imports."""
    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}
    for module in OFFICIAL:
        _add(module.DESCRIPTOR, files)
    return descriptor_pb2.FileDescriptorSet(file=files.values())


def _add(descriptor: FileDescriptor, files: dict[str, descriptor_pb2.FileDescriptorProto]) -> None:
    if descriptor.name not in files:
        for imported in descriptor.dependencies:
            _add(imported, files)
        files[descriptor.name] = descriptor_pb2.FileDescriptorProto()
        descriptor.CopyToProto(files[descriptor.name])


if __name__ == "__main__":
    DESCRIPTORS.write_bytes(official().SerializeToString(deterministic=True))
