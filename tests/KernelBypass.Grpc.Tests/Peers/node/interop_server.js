// The server of gRPC's interoperability tests on @grpc/grpc-js. Usage: node interop_server.js PROTO_ROOT
// Prints the port that it serves on; ends when its standard input does.
'use strict';

const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const definition = loader.loadSync(
  'grpc/testing/test.proto', { includeDirs: [process.argv[2]], keepCase: true, defaults: true, longs: Number });
const { TestService } = grpc.loadPackageDefinition(definition).grpc.testing;

const payload = (size) => ({ payload: { body: Buffer.alloc(size) } });

// Sends the headers asked for and returns the trailers asked for.
function echoMetadata(call) {
  const headers = new grpc.Metadata();
  const trailers = new grpc.Metadata();
  call.metadata.get('x-grpc-test-echo-initial').forEach((v) => headers.add('x-grpc-test-echo-initial', v));
  call.metadata.get('x-grpc-test-echo-trailing-bin').forEach((v) => trailers.add('x-grpc-test-echo-trailing-bin', v));
  call.sendMetadata(headers);
  return trailers;
}

function echoStatus(request) {
  const status = request.response_status;
  return status && status.code ? { code: status.code, details: status.message } : null;
}

async function respond(call, request) {
  for (const wanted of request.response_parameters) {
    if (wanted.interval_us > 0) await new Promise((done) => setTimeout(done, wanted.interval_us / 1000));
    call.write(payload(wanted.size));
  }
}

// Answers requests one after the other, then ends the call.
function answerEach(call, hold) {
  const trailers = echoMetadata(call);
  const requests = [];
  let work = Promise.resolve();
  const answer = (request) => {
    const error = echoStatus(request);
    if (error) call.emit('error', error);
    return error ? undefined : respond(call, request);
  };
  call.on('data', (request) => {
    if (hold) requests.push(request);
    else work = work.then(() => answer(request));
  });
  call.on('end', () => {
    requests.forEach((request) => { work = work.then(() => answer(request)); });
    work.then(() => call.end(trailers));
  });
  call.on('error', () => {});
}

const server = new grpc.Server();
server.addService(TestService.service, {
  EmptyCall: (call, callback) => callback(null, {}),
  UnaryCall: (call, callback) => {
    const trailers = echoMetadata(call);
    callback(echoStatus(call.request), payload(call.request.response_size), trailers);
  },
  StreamingInputCall: (call, callback) => {
    let size = 0;
    call.on('data', (request) => { size += request.payload.body.length; });
    call.on('end', () => callback(null, { aggregated_payload_size: size }));
    call.on('error', () => {});
  },
  StreamingOutputCall: async (call) => {
    const trailers = echoMetadata(call);
    await respond(call, call.request);
    const error = echoStatus(call.request);
    if (error) call.emit('error', error);
    else call.end(trailers);
  },
  FullDuplexCall: (call) => answerEach(call, false),
  HalfDuplexCall: (call) => answerEach(call, true),
});
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(port);
});
process.stdin.on('end', () => server.forceShutdown());
process.stdin.resume();
