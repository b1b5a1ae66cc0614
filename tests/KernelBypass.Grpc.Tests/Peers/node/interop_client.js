// gRPC's interoperability cases with @grpc/grpc-js as the client. Usage: node interop_client.js TARGET PROTO_ROOT
// Prints one line a case: "ok NAME" or "FAIL NAME reason"; exits with 1 if any failed.
'use strict';

const assert = require('node:assert/strict');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [target, protoRoot] = process.argv.slice(2);
const definition = loader.loadSync(
  ['grpc/testing/test.proto', 'grpc/health/v1/health.proto', 'grpc/reflection/v1/reflection.proto'],
  { includeDirs: [protoRoot], keepCase: true, defaults: true, longs: Number, enums: String });
const api = grpc.loadPackageDefinition(definition).grpc;
const credentials = grpc.credentials.createInsecure();
const client = new api.testing.TestService(target, credentials);
const gzip = new api.testing.TestService(target, credentials, { 'grpc.default_compression_algorithm': 2 });
const deadline = () => ({ deadline: Date.now() + 30000 });

const payload = (size) => ({ body: Buffer.alloc(size) });
const largeRequest = (more) => ({ response_size: 314159, payload: payload(271828), ...more });
const output = (request, ...responses) => ({
  payload: payload(request), response_parameters: responses.map((size) => ({ size })) });
const checkLarge = (response) => assert.ok(response.payload.body.equals(Buffer.alloc(314159)));

const unary = (stub, name, request, metadata = new grpc.Metadata()) => new Promise((resolve, reject) =>
  stub[name](request, metadata, deadline(), (error, response) => (error ? reject(error) : resolve(response))));

const input = (stub, requests) => new Promise((resolve, reject) => {
  const call = stub.StreamingInputCall(
    new grpc.Metadata(), deadline(), (error, response) => (error ? reject(error) : resolve(response)));
  requests.forEach((request) => call.write(request));
  call.end();
});

// The responses of a stream, its initial metadata and its final status.
const collect = (call) => new Promise((resolve) => {
  const seen = { responses: [], headers: undefined, status: undefined };
  call.on('metadata', (metadata) => { seen.headers = metadata; });
  call.on('data', (response) => seen.responses.push(response));
  call.on('error', () => {});
  call.on('status', (status) => { seen.status = status; resolve(seen); });
});

const sizes = (responses) => responses.map((r) => r.payload.body.length);

async function expect(code, promise, details) {
  try {
    await promise;
  } catch (error) {
    assert.equal(error.code, code, `${error.code} ${error.details}`);
    if (details !== undefined) assert.equal(error.details, details);
    return;
  }
  assert.fail(`succeeded, expected ${code}`);
}

const cases = {
  async empty_unary() { assert.deepEqual(await unary(client, 'EmptyCall', {}), {}); },

  async large_unary() { checkLarge(await unary(client, 'UnaryCall', largeRequest())); },

  async client_compressed_unary() {
    const compressed = largeRequest({ expect_compressed: { value: true } });
    await expect(grpc.status.INVALID_ARGUMENT, unary(client, 'UnaryCall', compressed));
    checkLarge(await unary(gzip, 'UnaryCall', compressed));
    checkLarge(await unary(client, 'UnaryCall', largeRequest({ expect_compressed: { value: false } })));
  },

  async server_compressed_unary() {
    for (const value of [true, false])
      checkLarge(await unary(client, 'UnaryCall', largeRequest({ response_compressed: { value } })));
  },

  async client_streaming() {
    const response = await input(client, [27182, 8, 1828, 45904].map((s) => ({ payload: payload(s) })));
    assert.equal(response.aggregated_payload_size, 74922);
  },

  async client_compressed_streaming() {
    const requests = [27182, 45904].map((s) => ({ expect_compressed: { value: true }, payload: payload(s) }));
    await expect(grpc.status.INVALID_ARGUMENT, input(client, requests.slice(0, 1)));
    assert.equal((await input(gzip, requests)).aggregated_payload_size, 73086);
  },

  async server_streaming() {
    const wanted = [31415, 9, 2653, 58979];
    const { responses, status } = await collect(client.StreamingOutputCall(output(0, ...wanted), deadline()));
    assert.deepEqual(sizes(responses), wanted);
    assert.equal(status.code, grpc.status.OK);
  },

  async server_compressed_streaming() {
    const request = { response_parameters: [
      { size: 31415, compressed: { value: true } }, { size: 92653, compressed: { value: false } }] };
    const { responses } = await collect(client.StreamingOutputCall(request, deadline()));
    assert.deepEqual(sizes(responses), [31415, 92653]);
  },

  async ping_pong() {
    const steps = [[27182, 31415], [8, 9], [1828, 2653], [45904, 58979]];
    const call = client.FullDuplexCall(deadline());
    let next = 0;
    call.on('data', () => (next < steps.length ? call.write(output(...steps[next++])) : call.end()));
    const seen = collect(call);
    call.write(output(...steps[next++]));
    const { responses, status } = await seen;
    assert.deepEqual(sizes(responses), steps.map((s) => s[1]));
    assert.equal(status.code, grpc.status.OK);
  },

  async empty_stream() {
    const call = client.FullDuplexCall(deadline());
    call.end();
    const { responses, status } = await collect(call);
    assert.deepEqual([responses, status.code], [[], grpc.status.OK]);
  },

  async custom_metadata() {
    const metadata = new grpc.Metadata();
    metadata.set('x-grpc-test-echo-initial', 'test_initial_metadata_value');
    metadata.set('x-grpc-test-echo-trailing-bin', Buffer.from([0xab, 0xab, 0xab]));
    const call = client.FullDuplexCall(metadata, deadline());
    call.write(output(271828, 314159));
    call.end();
    const { headers, status } = await collect(call);
    assert.deepEqual(headers.get('x-grpc-test-echo-initial'), ['test_initial_metadata_value']);
    assert.deepEqual(status.metadata.get('x-grpc-test-echo-trailing-bin'), [Buffer.from([0xab, 0xab, 0xab])]);
  },

  async status_code_and_message() { await statusAndMessage('test status message'); },

  async special_status_message() {
    await statusAndMessage('\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1f608}\t\n');
  },

  async unimplemented_method() { await expect(grpc.status.UNIMPLEMENTED, unary(client, 'UnimplementedCall', {})); },

  async unimplemented_service() {
    const stub = new api.testing.UnimplementedService(target, credentials);
    await expect(grpc.status.UNIMPLEMENTED, unary(stub, 'UnimplementedCall', {}));
    stub.close();
  },

  async cancel_after_begin() {
    await expect(grpc.status.CANCELLED, new Promise((resolve, reject) => {
      const call = client.StreamingInputCall((error) => (error ? reject(error) : resolve()));
      // Not at once: grpc-js 1.14 never ends the stream of a call that is cancelled before its stream is made.
      setImmediate(() => call.cancel());
    }));
  },

  async cancel_after_first_response() {
    const call = client.FullDuplexCall(deadline());
    call.once('data', () => call.cancel());
    call.write(output(27182, 31415));
    assert.equal((await collect(call)).status.code, grpc.status.CANCELLED);
  },

  async timeout_on_sleeping_server() {
    const request = { response_parameters: [{ size: 1 }, { size: 1, interval_us: 60000000 }] };
    const call = client.StreamingOutputCall(request, { deadline: Date.now() + 300 });
    assert.equal((await collect(call)).status.code, grpc.status.DEADLINE_EXCEEDED);
  },

  async many_messages() {
    const wanted = Array.from({ length: 5000 }, (_, i) => i % 50);
    const { responses } = await collect(client.StreamingOutputCall(output(0, ...wanted), deadline()));
    assert.deepEqual(sizes(responses), wanted);
  },

  async health() {
    const stub = new api.health.v1.Health(target, credentials);
    assert.equal((await unary(stub, 'Check', {})).status, 'SERVING');
    await expect(grpc.status.NOT_FOUND, unary(stub, 'Check', { service: 'none' }));
    stub.close();
  },

  async reflection() {
    const stub = new api.reflection.v1.ServerReflection(target, credentials);
    const call = stub.ServerReflectionInfo(deadline());
    call.write({ list_services: '*' });
    call.end();
    const names = (await collect(call)).responses[0].list_services_response.service.map((s) => s.name);
    assert.ok(names.includes('grpc.testing.TestService'), names.join());
    stub.close();
  },
};

async function statusAndMessage(message) {
  const response_status = { code: 2, message };
  await expect(grpc.status.UNKNOWN, unary(client, 'UnaryCall', { response_status }), message);
  const call = client.FullDuplexCall(deadline());
  call.write({ response_status });
  call.end();
  const { status } = await collect(call);
  assert.deepEqual([status.code, status.details], [grpc.status.UNKNOWN, message]);
}

async function main() {
  let failed = false;
  for (const [name, run] of Object.entries(cases)) {
    try {
      await run();
      console.log('ok', name);
    } catch (error) {
      failed = true;
      console.log('FAIL', name, String(error).replaceAll('\n', ' '));
    }
  }
  client.close();
  gzip.close();
  process.exitCode = failed ? 1 : 0;
}

main();
