using System.Diagnostics;
using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Net.Client;
using KernelBypass.V1;
using V1Action = KernelBypass.V1.Action;

namespace KernelBypass.FakeDataPlane;

/// <summary>
/// Measures how fast kernelbypassd takes flows: <c>--load SOCKET FLOWS BATCH</c>. Exact 5-tuples with one output; requests are made
/// before the clock starts.
/// </summary>
internal static class FlowLoad
{
    internal static async Task<int> RunAsync(string socket, int flows, int batch)
    {
        using var channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = Handler(socket) });
        var client = new FlowService.FlowServiceClient(channel);
        var requests = Enumerable.Range(0, flows / batch).Select(i => Request(i * batch, batch)).ToList();
        var start = Stopwatch.GetTimestamp();
        using var call = client.WriteStream();
        var answers = Task.Run(async () =>
        {
            var applied = 0L;
            while (await call.ResponseStream.MoveNext(default)) applied += call.ResponseStream.Current.Applied;
            return applied;
        });
        foreach (var request in requests) await call.RequestStream.WriteAsync(request);
        await call.RequestStream.CompleteAsync();
        var applied = await answers;
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Console.WriteLine($"{applied} flows in {seconds:F2} s: {applied / seconds:F0} flows/s, {batch} a request");
        return applied == requests.Count * (long)batch ? 0 : 1;
    }

    private static SocketsHttpHandler Handler(string socket) => new()
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await client.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
            return new NetworkStream(client, ownsSocket: true);
        },
    };

    private static WriteRequest Request(int first, int count)
    {
        var request = new WriteRequest();
        for (var i = first; i < first + count; i++)
        {
            var flow = new Flow { Priority = 100, Cookie = 0x1_0000_0000ul + (uint)i, Instructions = new() };
            flow.Match.Add(Match(Field.EthType, 8, 0));
            flow.Match.Add(Match(Field.IpProto, 6));
            flow.Match.Add(Match(Field.Ipv4Src, 10, (byte)(i >> 16), (byte)(i >> 8), (byte)i));
            flow.Match.Add(Match(Field.Ipv4Dst, 10, 200, 0, 1));
            flow.Match.Add(Match(Field.TcpSrc, 4, 0));
            flow.Match.Add(Match(Field.TcpDst, 0, 80));
            flow.Instructions.ApplyActions.Add(new V1Action { Output = new() { Port = 2 } });
            request.Updates.Add(new FlowUpdate { Type = FlowUpdate.Types.Type.Insert, Flow = flow });
        }

        return request;
    }

    private static FieldMatch Match(Field field, params ReadOnlySpan<byte> value) => new() { Field = field, Value = ByteString.CopyFrom(value) };
}
