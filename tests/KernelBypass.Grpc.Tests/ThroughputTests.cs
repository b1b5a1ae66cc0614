using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using KernelBypass.Grpc.Tests.Bulk;
using Microsoft.AspNetCore.Builder;
using Xunit.Abstractions;

namespace KernelBypass.Grpc.Tests;

/// <summary>
/// Bulk streams of small messages: each arrives, once and in order. The rate is printed, not judged: for it run
/// <c>dotnet test -c Release --filter ThroughputTests --logger "console;verbosity=detailed"</c>.
/// </summary>
public sealed class ThroughputTests(ITestOutputHelper output) : IAsyncLifetime
{
#if DEBUG
    private const int Messages = 50_000;
    private const int Rounds = 1;
#else
    private const int Messages = 1_000_000;
    private const int Rounds = 6;
#endif
    private static readonly ByteString s_mask = ByteString.CopyFrom(new byte[16]);
    private static readonly WriteOptions s_buffered = new(WriteFlags.BufferHint);
    private GrpcTestServer _server = null!;
    private BulkService.BulkServiceClient _client = null!;

    public async Task InitializeAsync()
    {
        _server = await GrpcTestServer.StartAsync(app => app.MapGrpcService<BulkServiceImpl>());
        _client = new BulkService.BulkServiceClient(_server.Channel);
    }

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    [Fact]
    public async Task Upload() => await MeasureAsync("client stream, buffered", Messages, async count =>
    {
        using var call = _client.Upload();
        call.RequestStream.WriteOptions = s_buffered;
        for (int i = 0; i < count; i++)
            await call.RequestStream.WriteAsync(NewEntry((ulong)i));
        await call.RequestStream.CompleteAsync();
        Assert.Equal((ulong)count, (await call).Cookie);
    });

    [Fact]
    public async Task Download() => await MeasureAsync("server stream, buffered", Messages, async count =>
    {
        using var call = _client.Download(new Ack { Cookie = (ulong)count });
        ulong next = 0;
        while (await call.ResponseStream.MoveNext())
            Expect(next++, call.ResponseStream.Current.Cookie);
        Assert.Equal((ulong)count, next);
    });

    [Fact]
    public async Task Exchange() =>
        await MeasureAsync("both ways, an answer each, buffered", Messages, count => ExchangeAsync(count, s_buffered));

    [Fact]
    public async Task Exchange_flushing_each() => await MeasureAsync(
        "both ways, an answer each, each flushed", Messages / 5, count => ExchangeAsync(count, WriteOptions.Default));

    [Fact]
    public async Task Unary() => await MeasureAsync("unary, 32 at once", Messages / 20, async count =>
    {
        int next = 0;
        await Task.WhenAll(Enumerable.Range(0, 32).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) is var i && i <= count)
                Assert.Equal((ulong)i, (await _client.UnaryAsync(NewEntry((ulong)i))).Cookie);
        }));
    });

    private static Entry NewEntry(ulong cookie) => new()
    {
        Source = 0x0a000001,
        Destination = 0x0a000002,
        SourcePort = 40000,
        DestinationPort = 443,
        Protocol = 6,
        Priority = 100,
        Cookie = cookie,
        Mask = s_mask,
    };

    // Assert.Equal would cost as much as the message.
    private static void Expect(ulong expected, ulong actual)
    {
        if (expected != actual)
            Assert.Fail($"Message {actual} came where {expected} was due.");
    }

    private async Task ExchangeAsync(int count, WriteOptions options)
    {
        using var call = _client.Exchange(new CallOptions(writeOptions: options));
        var write = Task.Run(async () =>
        {
            for (int i = 0; i < count; i++)
                await call.RequestStream.WriteAsync(NewEntry((ulong)i));
            await call.RequestStream.CompleteAsync();
        });
        ulong next = 0;
        while (await call.ResponseStream.MoveNext())
            Expect(next++, call.ResponseStream.Current.Cookie);
        await write;
        Assert.Equal((ulong)count, next);
    }

    private async Task MeasureAsync(string what, int count, Func<int, Task> run)
    {
        var rounds = new List<(double Rate, double Microseconds)>();
        for (int i = 0; i < Rounds; i++)
        {
            var cpu = Environment.CpuUsage.TotalTime;
            var watch = Stopwatch.StartNew();
            await run(count);
            rounds.Add((count / watch.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / count));
        }

        // Later rounds run optimized code. Processor time, of both sides together, tells more on a busy machine than the rate.
        output.WriteLine($"{what} ({NewEntry(1).CalculateSize()} bytes), messages/s and us of processor a message, each round:");
        foreach (var (rate, microseconds) in rounds)
            output.WriteLine($"  {rate,12:N0} {microseconds,8:N2}");
    }

    private sealed class BulkServiceImpl : BulkService.BulkServiceBase
    {
        public override Task<Ack> Unary(Entry request, ServerCallContext context) =>
            Task.FromResult(new Ack { Cookie = request.Cookie });

        public override async Task<Ack> Upload(IAsyncStreamReader<Entry> requestStream, ServerCallContext context)
        {
            ulong next = 0;
            while (await requestStream.MoveNext())
                Expect(next++, requestStream.Current.Cookie);
            return new Ack { Cookie = next };
        }

        public override async Task Download(Ack request, IServerStreamWriter<Entry> responseStream, ServerCallContext context)
        {
            responseStream.WriteOptions = s_buffered;
            for (ulong i = 0; i < request.Cookie; i++)
                await responseStream.WriteAsync(NewEntry(i));
        }

        public override async Task Exchange(
            IAsyncStreamReader<Entry> requestStream, IServerStreamWriter<Ack> responseStream, ServerCallContext context)
        {
            responseStream.WriteOptions = s_buffered;
            while (await requestStream.MoveNext())
                await responseStream.WriteAsync(new Ack { Cookie = requestStream.Current.Cookie });
        }
    }
}
