using Grpc.Core;
using Grpc.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace KernelBypass.Grpc.Tests;

/// <summary>What flows when: back-pressure, messages that wait in the buffer, many streams, cancellation at any moment.</summary>
public sealed class StreamFlowTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_slow_reader_holds_the_writer_back()
    {
        int written = 0;
        var service = new ScriptedService
        {
            Duplex = async (_, responses, _) =>
            {
                for (; written < 1000; written++)
                    await responses.WriteAsync(new StreamingOutputCallResponse { Payload = Sized(100_000).Payload });
            },
        };
        await using var server = await StartAsync(service);
        using var call = server.Client().FullDuplexCall();
        Assert.True(await call.ResponseStream.MoveNext());
        await Task.Delay(300);
        // 100 MB would have been written by a writer that nothing held: windows and buffers are a few MB.
        Assert.InRange(written, 1, 500);
        int read = 1;
        while (await call.ResponseStream.MoveNext())
            read++;
        Assert.Equal(1000, read);
    }

    [Fact]
    public async Task Buffered_writes_go_out_when_the_handler_waits()
    {
        var service = new ScriptedService
        {
            Duplex = async (requests, responses, _) =>
            {
                responses.WriteOptions = new WriteOptions(WriteFlags.BufferHint);
                while (await requests.MoveNext())
                    await responses.WriteAsync(new StreamingOutputCallResponse());
            },
        };
        await using var server = await StartAsync(service);
        using var call = server.Client().FullDuplexCall();
        call.RequestStream.WriteOptions = new WriteOptions(WriteFlags.BufferHint);
        for (int i = 0; i < 100; i++)
        {
            await call.RequestStream.WriteAsync(new StreamingOutputCallRequest());
            Assert.True(await call.ResponseStream.MoveNext().WaitAsync(s_patience));
        }
    }

    [Fact]
    public async Task Buffered_writes_go_out_when_another_task_is_waiting_to_read()
    {
        var service = new ScriptedService
        {
            // Reads in one task and writes in another, as the client below does.
            Duplex = async (requests, responses, context) =>
            {
                var arrived = new SemaphoreSlim(0);
                responses.WriteOptions = new WriteOptions(WriteFlags.BufferHint);
                var write = Task.Run(async () =>
                {
                    for (int i = 0; i < 300; i++)
                    {
                        await arrived.WaitAsync(context.CancellationToken);
                        await responses.WriteAsync(new StreamingOutputCallResponse());
                    }
                });
                while (await requests.MoveNext())
                    arrived.Release();
                await write;
            },
        };
        await using var server = await StartAsync(service);
        using var call = server.Client().FullDuplexCall();
        call.RequestStream.WriteOptions = new WriteOptions(WriteFlags.BufferHint);
        for (int i = 0; i < 300; i++)
        {
            var read = call.ResponseStream.MoveNext();
            await call.RequestStream.WriteAsync(new StreamingOutputCallRequest());
            Assert.True(await read.WaitAsync(s_patience));
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext().WaitAsync(s_patience));
    }

    [Fact]
    public async Task Many_streams_at_once_lose_nothing()
    {
        var service = new ScriptedService
        {
            Duplex = async (requests, responses, _) =>
            {
                responses.WriteOptions = new WriteOptions(WriteFlags.BufferHint);
                while (await requests.MoveNext())
                    await responses.WriteAsync(new StreamingOutputCallResponse { Payload = requests.Current.Payload });
            },
        };
        await using var server = await StartAsync(service);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async stream =>
        {
            using var call = server.Client().FullDuplexCall(
                new CallOptions(writeOptions: new WriteOptions(stream % 2 == 0 ? WriteFlags.BufferHint : WriteFlags.None)));
            var write = Task.Run(async () =>
            {
                for (int i = 0; i < 500; i++)
                {
                    var request = new StreamingOutputCallRequest { Payload = Sized(i * stream % 700).Payload };
                    await call.RequestStream.WriteAsync(request);
                }

                await call.RequestStream.CompleteAsync();
            });
            int read = 0;
            for (; await call.ResponseStream.MoveNext().WaitAsync(s_patience); read++)
                Assert.Equal(read * stream % 700, call.ResponseStream.Current.Payload.Body.Length);
            await write;
            Assert.Equal(500, read);
        }));
    }

    [Fact]
    public async Task Calls_may_be_cancelled_at_any_moment()
    {
        var service = new ScriptedService { Unary = (r, _) => Task.FromResult(Sized(r.ResponseSize)) };
        await using var server = await StartAsync(service);
        var random = new System.Random(7);
        for (int i = 0; i < 200; i++)
        {
            using var cancellation = new CancellationTokenSource();
            using var call = server.Client().UnaryCallAsync(
                new SimpleRequest { ResponseSize = random.Next(100_000) },
                deadline: DateTime.UtcNow.AddSeconds(60),
                cancellationToken: cancellation.Token);
            await Task.Delay(TimeSpan.FromMicroseconds(random.Next(2000)));
            await cancellation.CancelAsync();
            try
            {
                await call.ResponseAsync.WaitAsync(s_patience);
                Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
            }
            catch (RpcException e)
            {
                Assert.Equal(StatusCode.Cancelled, e.StatusCode);
            }
        }

        await server.Client().UnaryCallAsync(new SimpleRequest());
        Assert.DoesNotContain(server.Log.Entries, e => e.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
    }

    [Fact]
    public async Task One_write_at_a_time()
    {
        InvalidOperationException? refused = null;
        var service = new ScriptedService
        {
            Duplex = async (_, responses, context) =>
            {
                var message = new StreamingOutputCallResponse { Payload = Sized(4_000_000).Payload };
                var first = responses.WriteAsync(message);
                refused = await Assert.ThrowsAsync<InvalidOperationException>(() => responses.WriteAsync(message));
                await first;
            },
        };
        await using var server = await StartAsync(service);
        using var call = server.Client().FullDuplexCall();
        while (await call.ResponseStream.MoveNext())
        {
        }

        Assert.NotNull(refused);
    }

    private static Task<GrpcTestServer> StartAsync(ScriptedService service) =>
        GrpcTestServer.StartAsync(app => app.MapGrpcService<ScriptedService>(), services: s => s.AddSingleton(service));

    private static SimpleResponse Sized(int size) =>
        new() { Payload = new Payload { Body = Google.Protobuf.ByteString.CopyFrom(new byte[size]) } };
}
