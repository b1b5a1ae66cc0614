"""The messages of the interop tests, from a serialized FileDescriptorSet: no generated code is needed."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def load(path):
    """Returns a function from a message's full name to its class."""
    files = descriptor_pb2.FileDescriptorSet()
    with open(path, "rb") as f:
        files.ParseFromString(f.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return lambda name: factory.GetPrototype(pool.FindMessageTypeByName(name))
