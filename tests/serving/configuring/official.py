"""The messages of TensorFlow Serving's configuration that its Python package lacks.

The names and types of the fields are those of session_bundle_config.proto and monitoring_config.proto, which lie in
https://github.com/tensorflow/serving/tree/master/tensorflow_serving below servables/tensorflow and config.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

Type = FieldDescriptorProto
PACKAGE = "tensorflow.serving"
BATCHING = {
    "max_batch_size": ".google.protobuf.Int64Value",
    "batch_timeout_micros": ".google.protobuf.Int64Value",
    "max_enqueued_batches": ".google.protobuf.Int64Value",
    "num_batch_threads": ".google.protobuf.Int64Value",
    "thread_pool_name": ".google.protobuf.StringValue",
    "allowed_batch_sizes": [Type.TYPE_INT64],
    "pad_variable_length_inputs": Type.TYPE_BOOL,
    "enable_large_batch_splitting": ".google.protobuf.BoolValue",
    "max_execution_batch_size": ".google.protobuf.Int64Value",
}
PROMETHEUS = {"enable": Type.TYPE_BOOL, "path": Type.TYPE_STRING}
MONITORING = {"prometheus_config": f".{PACKAGE}.PrometheusConfig"}


def _message(name: str, fields: dict) -> descriptor_pb2.DescriptorProto:
    message = descriptor_pb2.DescriptorProto(name=name)
    for number, (field, kind) in enumerate(fields.items(), start=1):
        label = Type.LABEL_REPEATED if isinstance(kind, list) else Type.LABEL_OPTIONAL
        [kind] = kind if isinstance(kind, list) else [kind]
        typed = {"type_name": kind} if isinstance(kind, str) else {"type": kind}
        message.field.add(name=field, number=number, label=label, **typed)
    return message


_pool = descriptor_pool.DescriptorPool()
_pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
_pool.Add(
    descriptor_pb2.FileDescriptorProto(
        name="configuration.proto",
        package=PACKAGE,
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
        message_type=[
            _message("BatchingParameters", BATCHING),
            _message("PrometheusConfig", PROMETHEUS),
            _message("MonitoringConfig", MONITORING),
        ],
    )
)
BatchingParameters = message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{PACKAGE}.BatchingParameters"))
MonitoringConfig = message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{PACKAGE}.MonitoringConfig"))
