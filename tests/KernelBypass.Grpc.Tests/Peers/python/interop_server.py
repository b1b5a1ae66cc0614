"""The server of gRPC's interoperability tests on grpcio. Usage: interop_server.py DESCRIPTOR_SET

Prints the port that it serves on; ends when its standard input does.
"""

import concurrent.futures
import sys
import time

import grpc

from messages import load

message = load(sys.argv[1])
Empty = message("grpc.testing.Empty")
SimpleRequest = message("grpc.testing.SimpleRequest")
SimpleResponse = message("grpc.testing.SimpleResponse")
InputRequest = message("grpc.testing.StreamingInputCallRequest")
InputResponse = message("grpc.testing.StreamingInputCallResponse")
OutputRequest = message("grpc.testing.StreamingOutputCallRequest")
OutputResponse = message("grpc.testing.StreamingOutputCallResponse")


def echo_metadata(context):
    received = context.invocation_metadata()
    headers = [m for m in received if m.key == "x-grpc-test-echo-initial"]
    if headers:
        context.send_initial_metadata(headers)
    context.set_trailing_metadata([m for m in received if m.key == "x-grpc-test-echo-trailing-bin"])


def echo_status(request, context):
    if request.response_status.code:
        code = next(c for c in grpc.StatusCode if c.value[0] == request.response_status.code)
        context.abort(code, request.response_status.message)


def empty_call(request, context):
    return Empty()


def unary_call(request, context):
    if request.response_compressed.value:
        context.set_compression(grpc.Compression.Gzip)
    echo_metadata(context)
    echo_status(request, context)
    return SimpleResponse(payload={"body": bytes(request.response_size)})


def input_call(requests, context):
    echo_metadata(context)
    return InputResponse(aggregated_payload_size=sum(len(r.payload.body) for r in requests))


def respond(request, context):
    for wanted in request.response_parameters:
        time.sleep(wanted.interval_us / 1e6)
        if not wanted.compressed.value:
            context.disable_next_message_compression()
        yield OutputResponse(payload={"body": bytes(wanted.size)})
    echo_status(request, context)


def output_call(request, context):
    if any(p.compressed.value for p in request.response_parameters):
        context.set_compression(grpc.Compression.Gzip)
    echo_metadata(context)
    yield from respond(request, context)


def duplex_call(requests, context):
    echo_metadata(context)
    for request in requests:
        yield from respond(request, context)


def half_duplex_call(requests, context):
    echo_metadata(context)
    for request in list(requests):
        yield from respond(request, context)


def handler(kind, function, request, response):
    make = getattr(grpc, kind + "_rpc_method_handler")
    return make(function, request_deserializer=request.FromString, response_serializer=response.SerializeToString)


def main():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.testing.TestService", {
        "EmptyCall": handler("unary_unary", empty_call, Empty, Empty),
        "UnaryCall": handler("unary_unary", unary_call, SimpleRequest, SimpleResponse),
        "StreamingInputCall": handler("stream_unary", input_call, InputRequest, InputResponse),
        "StreamingOutputCall": handler("unary_stream", output_call, OutputRequest, OutputResponse),
        "FullDuplexCall": handler("stream_stream", duplex_call, OutputRequest, OutputResponse),
        "HalfDuplexCall": handler("stream_stream", half_duplex_call, OutputRequest, OutputResponse),
    }),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    sys.stdin.read()
    server.stop(None)


main()
