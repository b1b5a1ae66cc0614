using System.CommandLine;
using System.Diagnostics;
using Grpc.Core;
using KernelBypass.Cli.Flows;
using KernelBypass.Cli.Output;
using KernelBypass.Model.Flows;
using KernelBypass.Model.Text;
using KernelBypass.V1;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl flow load: a file of flows, a line each, over the bulk stream.</summary>
internal static class FlowLoadCommand
{
    private const int BatchFlows = 1000;

    /// <summary>Batches under way before an answer is waited for.</summary>
    private const int Window = 16;

    internal static Command Build()
    {
        var file = new Argument<string>("file") { Description = "file with a flow on each line; - is standard input; # begins a comment" };
        var command = new Command("load", "Add the flows of a file over the bulk stream.") { file };
        command.SetAction(Connection.Run(connection => LoadAsync(connection, connection.Arguments.GetRequiredValue(file))));
        return command;
    }

    internal static async Task<FlowSpec> ParseFlowAsync(Connection connection, string text)
    {
        // Ask for the ports only when a name is used: loading by number needs no round trip.
        Func<string, uint?>? resolver = null;
        try
        {
            return FlowTextParser.Parse(text);
        }
        catch (FormatException error) when (error.Message.Contains("no port of that name", StringComparison.Ordinal))
        {
            resolver = await connection.PortResolverAsync();
        }

        return FlowTextParser.Parse(text, resolver);
    }

    private static async Task<int> LoadAsync(Connection connection, string path)
    {
        var resolver = await connection.PortResolverAsync();
        using var call = connection.Flows.WriteStream(connection.Stream);
        using var window = new SemaphoreSlim(Window);
        var clock = Stopwatch.StartNew();
        var answers = ReadAnswersAsync(connection, call, window);
        ulong batches = 0;
        var request = new WriteRequest();
        foreach (var (text, number) in Lines(path))
        {
            request.Updates.Add(new FlowUpdate { Type = FlowUpdate.Types.Type.Insert, Flow = ProtoFlow.FromSpec(Parse(path, number, text, resolver)) });
            if (request.Updates.Count < BatchFlows) continue;
            await SendAsync(connection, call, window, request, batches++);
            request = new WriteRequest();
        }

        if (request.Updates.Count > 0) await SendAsync(connection, call, window, request, batches);
        await call.RequestStream.CompleteAsync();
        var (applied, refused) = await answers;
        var rate = applied / Math.Max(clock.Elapsed.TotalSeconds, 0.001);
        connection.Out.Line(connection.Out.Json
            ? $"{{\"applied\":{applied},\"refused\":{refused},\"seconds\":{Writer.Number(clock.Elapsed.TotalSeconds, "0.000")}}}"
            : $"{Writer.Number(applied)} added, {Writer.Number(refused)} refused, {Writer.Number(rate, "N0")} flows/s");
        return refused == 0 ? ExitCode.Ok : ExitCode.Refused;
    }

    private static async Task SendAsync(
        Connection connection, AsyncDuplexStreamingCall<WriteRequest, WriteResponse> call, SemaphoreSlim window, WriteRequest request, ulong id)
    {
        request.Id = id;
        await window.WaitAsync(connection.Cancellation);
        await call.RequestStream.WriteAsync(request);
    }

    private static async Task<(ulong Applied, ulong Refused)> ReadAnswersAsync(
        Connection connection, AsyncDuplexStreamingCall<WriteRequest, WriteResponse> call, SemaphoreSlim window)
    {
        ulong applied = 0, refused = 0;
        while (await call.ResponseStream.MoveNext(connection.Cancellation))
        {
            window.Release();
            var answer = call.ResponseStream.Current;
            applied += answer.Applied;
            for (var i = 0; i < answer.Results.Count; i++)
            {
                if (answer.Results[i].Code == 0) continue;
                if (refused++ < 10) connection.Out.Line($"flow {answer.Id * BatchFlows + (ulong)i + 1}: {answer.Results[i].Message}");
            }
        }

        return (applied, refused);
    }

    private static FlowSpec Parse(string path, int line, string text, Func<string, uint?> resolver)
    {
        try
        {
            return FlowTextParser.Parse(text, resolver);
        }
        catch (FormatException error)
        {
            throw new FormatException($"{path}:{line}: {error.Message}");
        }
    }

    private static IEnumerable<(string Text, int Number)> Lines(string path)
    {
        var number = 0;
        using var reader = path == "-" ? Console.In : new StreamReader(path);
        while (reader.ReadLine() is { } line)
        {
            number++;
            var text = line.Split('#', 2)[0].Trim();
            if (text.Length > 0) yield return (text, number);
        }
    }
}
