using Google.Protobuf;
using Grpc.Core;
using KernelBypass.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KernelBypass.Cli.Tests;

/// <summary>A switch of canned answers on a unix socket, which remembers what it was asked.</summary>
public sealed class FakeSwitch : IAsyncLifetime
{
    private readonly string _socket = Path.Combine(Path.GetTempPath(), $"kbctl-{Guid.NewGuid():N}.sock");
    private WebApplication? _app;

    public Recorder Seen { get; } = new();

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(_socket, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(Seen);
        _app = builder.Build();
        _app.MapGrpcService<Flows>();
        _app.MapGrpcService<Ports>();
        _app.MapGrpcService<Pipeline>();
        _app.MapGrpcService<Packets>();
        _app.MapGrpcService<Traces>();
        await _app.StartAsync();
    }

    public async Task DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
        File.Delete(_socket);
    }

    /// <summary>Runs kbctl against this switch.</summary>
    public async Task<(int Code, string Out, string Error)> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await Program.RunAsync([.. args, "--address", $"unix://{_socket}"], output, errors);
        return (code, output.ToString(), errors.ToString());
    }

    public sealed class Recorder
    {
        public List<IMessage> Requests { get; } = [];

        public T Last<T>()
            where T : IMessage => Requests.OfType<T>().Last();
    }

    private sealed class Flows(Recorder seen) : FlowService.FlowServiceBase
    {
        public override Task<WriteResponse> Write(WriteRequest request, ServerCallContext context)
        {
            seen.Requests.Add(request);
            if (request.Updates[0].Flow.TableId == 63)
                throw new RpcException(new Grpc.Core.Status(StatusCode.InvalidArgument, "update 0: table_id is beyond limits.tables"));
            return Task.FromResult(new WriteResponse { Applied = 1, Results = { new UpdateResult { Affected = 3 } } });
        }

        public override async Task WriteStream(
            IAsyncStreamReader<WriteRequest> requests, IServerStreamWriter<WriteResponse> responses, ServerCallContext context)
        {
            while (await requests.MoveNext(context.CancellationToken))
            {
                seen.Requests.Add(requests.Current);
                await responses.WriteAsync(new WriteResponse { Id = requests.Current.Id, Applied = (uint)requests.Current.Updates.Count });
            }
        }

        public override async Task Read(ReadFlowsRequest request, IServerStreamWriter<ReadFlowsResponse> responses, ServerCallContext context)
        {
            seen.Requests.Add(request);
            var flow = new Flow { Priority = 10, Instructions = new() { ApplyActions = { new KernelBypass.V1.Action { Output = new() { Port = 2 } } } } };
            flow.Match.Add(new FieldMatch { Field = Field.InPort, Value = ByteString.CopyFrom(1) });
            var stats = new FlowStats { Packets = 7, Bytes = 420, DurationNs = 1_500_000_000 };
            await responses.WriteAsync(new ReadFlowsResponse { Flows = { new FlowEntry { Flow = flow, Stats = stats } } });
        }

        public override Task<DeleteFlowsResponse> Delete(DeleteFlowsRequest request, ServerCallContext context)
        {
            seen.Requests.Add(request);
            return Task.FromResult(new DeleteFlowsResponse { Deleted = 1234 });
        }
    }

    private sealed class Ports : PortService.PortServiceBase
    {
        public override Task<ListPortsResponse> List(ListPortsRequest request, ServerCallContext context) => Task.FromResult(new ListPortsResponse
        {
            Ports =
            {
                new Port { Config = new() { Name = "h1", Number = 1, Mtu = 1500 }, Status = new() { LinkUp = true, SpeedMbps = 10000 } },
                new Port { Config = new() { Name = "h2", Number = 2, Mtu = 9000 }, Status = new() },
            },
        });
    }

    private sealed class Pipeline : PipelineService.PipelineServiceBase
    {
        public override Task<ListDropsResponse> ListDrops(ListDropsRequest request, ServerCallContext context) => Task.FromResult(new ListDropsResponse
        {
            Drops =
            {
                new DropCount { Stage = "classify", Reason = "table_miss", Packets = 5, Description = "No flow matched." },
                new DropCount { Stage = "parse", Reason = "ipv4_bad_version", Packets = 0, Description = "Not 4." },
            },
        });
    }

    private sealed class Packets : PacketService.PacketServiceBase
    {
        public override async Task Capture(CaptureRequest request, IServerStreamWriter<CapturedPacket> responses, ServerCallContext context)
        {
            for (var i = 0; i < 2; i++)
            {
                await responses.WriteAsync(new CapturedPacket
                {
                    TimestampUnixNs = 1_700_000_000_000_000_000,
                    Data = ByteString.CopyFrom(new byte[60]),
                    TotalLength = 60,
                    Point = "h1",
                });
            }
        }
    }

    private sealed class Traces(Recorder seen) : TraceService.TraceServiceBase
    {
        public override Task<ExplainResponse> Explain(ExplainRequest request, ServerCallContext context)
        {
            seen.Requests.Add(request);
            return Task.FromResult(new ExplainResponse { Packet = "a packet", DropReason = "table_miss", Verdict = "dropped: table_miss in table 0" });
        }
    }
}
