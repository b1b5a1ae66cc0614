"""gRPC's interoperability cases with grpcio as the client. Usage: interop_client.py TARGET DESCRIPTOR_SET

Prints one line a case: "ok NAME" or "FAIL NAME reason"; exits with 1 if any failed.
"""

import itertools
import sys
import threading

import grpc

from messages import load

TARGET, DESCRIPTORS = sys.argv[1:3]
message = load(DESCRIPTORS)
Empty = message("grpc.testing.Empty")
SimpleRequest = message("grpc.testing.SimpleRequest")
SimpleResponse = message("grpc.testing.SimpleResponse")
InputRequest = message("grpc.testing.StreamingInputCallRequest")
InputResponse = message("grpc.testing.StreamingInputCallResponse")
OutputRequest = message("grpc.testing.StreamingOutputCallRequest")
OutputResponse = message("grpc.testing.StreamingOutputCallResponse")

channel = grpc.insecure_channel(TARGET)
SERVICE = "/grpc.testing.TestService/"


def method(kind, name, request, response, service=SERVICE):
    return getattr(channel, kind)(service + name, request.SerializeToString, response.FromString)


empty_call = method("unary_unary", "EmptyCall", Empty, Empty)
unary_call = method("unary_unary", "UnaryCall", SimpleRequest, SimpleResponse)
input_call = method("stream_unary", "StreamingInputCall", InputRequest, InputResponse)
output_call = method("unary_stream", "StreamingOutputCall", OutputRequest, OutputResponse)
duplex_call = method("stream_stream", "FullDuplexCall", OutputRequest, OutputResponse)
half_duplex_call = method("stream_stream", "HalfDuplexCall", OutputRequest, OutputResponse)
unimplemented_call = method("unary_unary", "UnimplementedCall", Empty, Empty)
unimplemented_service = method(
    "unary_unary", "UnimplementedCall", Empty, Empty, "/grpc.testing.UnimplementedService/")

CASES = []
TIMEOUT = 30


def case(function):
    CASES.append(function)
    return function


def payload(size):
    return {"body": bytes(size)}


def large_request(**more):
    return SimpleRequest(response_size=314159, payload=payload(271828), **more)


def check_large(response):
    assert response.payload.body == bytes(314159), len(response.payload.body)


def expect(code, function, detail=None):
    try:
        function()
    except grpc.RpcError as error:
        assert error.code() == code, f"{error.code()} {error.details()!r}, expected {code}"
        assert detail is None or error.details() == detail, repr(error.details())
        return error
    raise AssertionError(f"succeeded, expected {code}")


class Requests:
    """A stream of requests that the test feeds one by one."""

    def __init__(self):
        self._items, self._condition, self._closed = [], threading.Condition(), False

    def send(self, item):
        with self._condition:
            self._items.append(item)
            self._condition.notify()

    def close(self):
        with self._condition:
            self._closed = True
            self._condition.notify()

    def __iter__(self):
        return self

    def __next__(self):
        with self._condition:
            self._condition.wait_for(lambda: self._items or self._closed)
            if self._items:
                return self._items.pop(0)
            raise StopIteration


def output(request, *responses):
    return OutputRequest(payload=payload(request), response_parameters=[{"size": s} for s in responses])


@case
def empty_unary():
    assert empty_call(Empty(), timeout=TIMEOUT) == Empty()


@case
def large_unary():
    check_large(unary_call(large_request(), timeout=TIMEOUT))


@case
def client_compressed_unary():
    expect(grpc.StatusCode.INVALID_ARGUMENT,
           lambda: unary_call(large_request(expect_compressed={"value": True}), timeout=TIMEOUT))
    check_large(unary_call(large_request(expect_compressed={"value": True}),
                           compression=grpc.Compression.Gzip, timeout=TIMEOUT))
    check_large(unary_call(large_request(expect_compressed={"value": False}), timeout=TIMEOUT))


@case
def server_compressed_unary():
    for compressed in (True, False):
        response, call = unary_call.with_call(large_request(response_compressed={"value": compressed}), timeout=TIMEOUT)
        check_large(response)


@case
def client_streaming():
    sizes = (27182, 8, 1828, 45904)
    response = input_call((InputRequest(payload=payload(s)) for s in sizes), timeout=TIMEOUT)
    assert response.aggregated_payload_size == 74922


@case
def client_compressed_streaming():
    expect(grpc.StatusCode.INVALID_ARGUMENT, lambda: input_call(
        iter([InputRequest(expect_compressed={"value": True}, payload=payload(27182))]), timeout=TIMEOUT))
    response = input_call(
        iter([InputRequest(expect_compressed={"value": True}, payload=payload(s)) for s in (27182, 45904)]),
        compression=grpc.Compression.Gzip, timeout=TIMEOUT)
    assert response.aggregated_payload_size == 73086


@case
def server_streaming():
    sizes = [31415, 9, 2653, 58979]
    assert [len(r.payload.body) for r in output_call(output(0, *sizes), timeout=TIMEOUT)] == sizes


@case
def server_compressed_streaming():
    request = OutputRequest(response_parameters=[
        {"size": 31415, "compressed": {"value": True}}, {"size": 92653, "compressed": {"value": False}}])
    assert [len(r.payload.body) for r in output_call(request, timeout=TIMEOUT)] == [31415, 92653]


@case
def ping_pong():
    requests = Requests()
    responses = duplex_call(requests, timeout=TIMEOUT)
    for request, response in ((27182, 31415), (8, 9), (1828, 2653), (45904, 58979)):
        requests.send(output(request, response))
        assert len(next(responses).payload.body) == response
    requests.close()
    assert list(responses) == []
    assert responses.code() == grpc.StatusCode.OK


@case
def half_duplex():
    responses = half_duplex_call(iter([output(0, s) for s in (1, 2, 3)]), timeout=TIMEOUT)
    assert [len(r.payload.body) for r in responses] == [1, 2, 3]


@case
def empty_stream():
    responses = duplex_call(iter([]), timeout=TIMEOUT)
    assert list(responses) == [] and responses.code() == grpc.StatusCode.OK


@case
def custom_metadata():
    initial = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
    trailing = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")
    _, unary = unary_call.with_call(large_request(), metadata=(initial, trailing), timeout=TIMEOUT)
    stream = duplex_call(iter([output(271828, 314159)]), metadata=(initial, trailing), timeout=TIMEOUT)
    assert len(list(stream)) == 1
    for call in (unary, stream):
        assert initial in [tuple(m) for m in call.initial_metadata()], call.initial_metadata()
        assert trailing in [tuple(m) for m in call.trailing_metadata()], call.trailing_metadata()


def check_status_and_message(text):
    status = {"code": 2, "message": text}
    expect(grpc.StatusCode.UNKNOWN, lambda: unary_call(SimpleRequest(response_status=status), timeout=TIMEOUT), text)
    expect(grpc.StatusCode.UNKNOWN,
           lambda: list(duplex_call(iter([OutputRequest(response_status=status)]), timeout=TIMEOUT)), text)


@case
def status_code_and_message():
    check_status_and_message("test status message")


@case
def special_status_message():
    check_status_and_message("\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n")


@case
def unimplemented_method():
    expect(grpc.StatusCode.UNIMPLEMENTED, lambda: unimplemented_call(Empty(), timeout=TIMEOUT))


@case
def unimplemented_service_case():
    expect(grpc.StatusCode.UNIMPLEMENTED, lambda: unimplemented_service(Empty(), timeout=TIMEOUT))


@case
def cancel_after_begin():
    requests = Requests()
    future = input_call.future(requests, timeout=TIMEOUT)
    future.cancel()
    requests.close()
    assert future.cancelled() and future.code() == grpc.StatusCode.CANCELLED


@case
def cancel_after_first_response():
    requests = Requests()
    responses = duplex_call(requests, timeout=TIMEOUT)
    requests.send(output(27182, 31415))
    next(responses)
    responses.cancel()
    expect(grpc.StatusCode.CANCELLED, lambda: next(responses))
    requests.close()


@case
def timeout_on_sleeping_server():
    requests = Requests()
    responses = duplex_call(requests, timeout=0.001)
    requests.send(output(27182, 1))
    expect(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(responses))
    requests.close()


@case
def server_side_deadline():
    request = OutputRequest(response_parameters=[{"size": 1}, {"size": 1, "interval_us": 60_000_000}])
    expect(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(output_call(request, timeout=0.3)))


@case
def unknown_encoding():
    expect(grpc.StatusCode.UNIMPLEMENTED,
           lambda: unary_call(large_request(), compression=grpc.Compression.Deflate, timeout=TIMEOUT))


@case
def too_large_request():
    expect(grpc.StatusCode.RESOURCE_EXHAUSTED,
           lambda: unary_call(SimpleRequest(payload=payload(5_000_000)), timeout=TIMEOUT))


@case
def many_messages():
    sizes = [i % 50 for i in range(5000)]
    assert [len(r.payload.body) for r in output_call(output(0, *sizes), timeout=TIMEOUT)] == sizes
    responses = duplex_call((output(i % 100, i % 50) for i in range(2000)), timeout=TIMEOUT)
    assert [len(r.payload.body) for r in responses] == [i % 50 for i in range(2000)]


@case
def health():
    request, response = message("grpc.health.v1.HealthCheckRequest"), message("grpc.health.v1.HealthCheckResponse")
    check = method("unary_unary", "Check", request, response, "/grpc.health.v1.Health/")
    watch = method("unary_stream", "Watch", request, response, "/grpc.health.v1.Health/")
    assert check(request(), timeout=TIMEOUT).status == 1
    expect(grpc.StatusCode.NOT_FOUND, lambda: check(request(service="none"), timeout=TIMEOUT))
    responses = watch(request(service="none"), timeout=TIMEOUT)
    assert next(responses).status == 3
    responses.cancel()


@case
def reflection():
    for version in ("v1", "v1alpha"):
        package = "grpc.reflection." + version
        request = message(package + ".ServerReflectionRequest")
        response = message(package + ".ServerReflectionResponse")
        info = method("stream_stream", "ServerReflectionInfo", request, response, f"/{package}.ServerReflection/")
        answers = list(info(iter([
            request(list_services="*"), request(file_containing_symbol="grpc.testing.TestService")]), timeout=TIMEOUT))
        assert "grpc.testing.TestService" in [s.name for s in answers[0].list_services_response.service]
        assert len(answers[1].file_descriptor_response.file_descriptor_proto) == 3


def main():
    failed = False
    for function in CASES:
        try:
            function()
            print("ok", function.__name__, flush=True)
        except Exception as error:  # each case reports its own
            failed = True
            print("FAIL", function.__name__, repr(error), flush=True)
    channel.close()
    sys.exit(1 if failed else 0)


main()
