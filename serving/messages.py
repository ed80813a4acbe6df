"""The messages of TensorFlow Serving, without TensorFlow.

Its own Python modules of them import TensorFlow, which takes seconds. Here they are built from the descriptors of the
official .proto files, which `write_messages.py` has put beside this module, in a descriptor pool of their own: in
the default one they would collide with TensorFlow's where both are imported.

Names are those of the .proto files: https://github.com/tensorflow/serving/tree/master/tensorflow_serving/apis
"""

import pathlib
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

DESCRIPTORS = pathlib.Path(__file__).with_suffix(".binpb")
PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"

_pool = descriptor_pool.DescriptorPool()
for _file in descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file:
    _pool.Add(_file)


def message_class(name: str) -> Any:
    """Returns the class of a message by its full name, such as "tensorflow.serving.PredictRequest"."""
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(name))


def enum_names(name: str) -> dict[int, str]:
    """Returns the names of an enum's values by their numbers, such as those of "tensorflow.DataType"."""
    return {value.number: value.name for value in _pool.FindEnumTypeByName(name).values}


Example = message_class("tensorflow.Example")
TensorProto = message_class("tensorflow.TensorProto")
PredictRequest = message_class("tensorflow.serving.PredictRequest")
PredictResponse = message_class("tensorflow.serving.PredictResponse")
RegressionRequest = message_class("tensorflow.serving.RegressionRequest")
RegressionResponse = message_class("tensorflow.serving.RegressionResponse")
GetModelMetadataRequest = message_class("tensorflow.serving.GetModelMetadataRequest")
GetModelMetadataResponse = message_class("tensorflow.serving.GetModelMetadataResponse")
SignatureDefMap = message_class("tensorflow.serving.SignatureDefMap")
GetModelStatusRequest = message_class("tensorflow.serving.GetModelStatusRequest")
GetModelStatusResponse = message_class("tensorflow.serving.GetModelStatusResponse")
PredictionLog = message_class("tensorflow.serving.PredictionLog")
ModelServerConfig = message_class("tensorflow.serving.ModelServerConfig")
