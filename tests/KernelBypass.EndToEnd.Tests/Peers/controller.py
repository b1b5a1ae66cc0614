"""A controller in Python (grpcio): writes flows, streams a bulk load, reads them back, meets a refusal.

usage: controller.py SOCKET STUBS_DIR
"""
import sys

sys.path.insert(0, sys.argv[2])
import grpc
from kernelbypass.v1 import flow_pb2

channel = grpc.insecure_channel("unix:" + sys.argv[1])
service = "/kernelbypass.v1.FlowService/"


def method(kind, name, request, response):
    return getattr(channel, kind)(service + name, request_serializer=request.SerializeToString, response_deserializer=response.FromString)


write = method("unary_unary", "Write", flow_pb2.WriteRequest, flow_pb2.WriteResponse)
write_stream = method("stream_stream", "WriteStream", flow_pb2.WriteRequest, flow_pb2.WriteResponse)
read = method("unary_stream", "Read", flow_pb2.ReadFlowsRequest, flow_pb2.ReadFlowsResponse)
delete = method("unary_unary", "Delete", flow_pb2.DeleteFlowsRequest, flow_pb2.DeleteFlowsResponse)


def update(port, out_port=1):
    flow = flow_pb2.Flow(priority=10, cookie=0x99)
    flow.match.add(field=flow_pb2.FIELD_ETH_TYPE, value=b"\x08\x00")
    flow.match.add(field=flow_pb2.FIELD_IP_PROTO, value=b"\x11")
    flow.match.add(field=flow_pb2.FIELD_UDP_DST, value=port.to_bytes(2, "big"))
    flow.instructions.apply_actions.add().output.port = out_port
    return flow_pb2.FlowUpdate(type=flow_pb2.FlowUpdate.INSERT, flow=flow)


def batches():
    for batch in range(10):
        yield flow_pb2.WriteRequest(id=batch, updates=[update(1 + batch * 100 + i) for i in range(100)])


answers = list(write_stream(batches(), timeout=30))
assert [a.id for a in answers] == list(range(10)), answers
assert sum(a.applied for a in answers) == 1000

everything = flow_pb2.ReadFlowsRequest(filter=flow_pb2.FlowFilter(cookie=0x99, cookie_mask=2**64 - 1))
assert sum(len(r.flows) for r in read(everything, timeout=30)) == 1000

try:
    write(flow_pb2.WriteRequest(updates=[update(5, out_port=4711)], atomicity=flow_pb2.WriteRequest.ALL_OR_NOTHING), timeout=10)
    raise SystemExit("a flow to an unknown port was accepted")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION, error
    assert "no such port" in error.details(), error.details()
    assert ("kernelbypass-failed-update", "0") in [(k, v) for k, v in error.trailing_metadata()], error.trailing_metadata()

assert delete(flow_pb2.DeleteFlowsRequest(filter=everything.filter), timeout=10).deleted == 1000
print("ok")
