using Grpc.Core;
using KernelBypass.Channel;
using KernelBypass.Channel.Messages;
using KernelBypass.Daemon.Flows;

namespace KernelBypass.Daemon.Services;

/// <summary>Turns what can go wrong into gRPC statuses.</summary>
internal static class RpcGuard
{
    /// <summary>Trailer with the index of the update that failed.</summary>
    internal const string FailedUpdateTrailer = "kernelbypass-failed-update";

    internal static async Task<T> RunAsync<T>(ServerCallContext context, Func<Task<T>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (Exception e) when (Translate(context, e) is { } failure)
        {
            throw failure;
        }
    }

    internal static async Task RunAsync(ServerCallContext context, Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception e) when (Translate(context, e) is { } failure)
        {
            throw failure;
        }
    }

    internal static RpcException Invalid(string message) => new(new Status(StatusCode.InvalidArgument, message));

    /// <summary>The status of a failure; null for what is no failure of ours to word.</summary>
    private static RpcException? Translate(ServerCallContext context, Exception e) => e switch
    {
        FlowException flow => Failed(context, flow),
        CommandException command => new(new Status((StatusCode)(int)command.Code, command.Message)),
        TimeoutException => new(new Status(StatusCode.DeadlineExceeded, $"the data plane did not answer in time: {e.Message}")),
        ChannelException => new(new Status(StatusCode.Unavailable, e.Message)),
        _ => null,
    };

    private static RpcException Failed(ServerCallContext context, FlowException flow)
    {
        if (flow.FailedUpdate >= 0) context.ResponseTrailers.Add(FailedUpdateTrailer, flow.FailedUpdate.ToString(null, null));
        return new(new Status(flow.Code, flow.Message));
    }
}
