using Grpc.Core;
using KernelBypass.Model.Flows;

namespace KernelBypass.Daemon.Flows;

/// <summary>A request about flows that fails as a whole.</summary>
internal sealed class FlowException(StatusCode code, string message, int failedUpdate = -1) : Exception(message)
{
    internal StatusCode Code => code;

    /// <summary>The update at fault; -1 none.</summary>
    internal int FailedUpdate => failedUpdate;

    /// <summary>The status of an error that a flow met.</summary>
    internal static StatusCode CodeOf(FlowErrorCode code) => code switch
    {
        FlowErrorCode.None => StatusCode.OK,
        FlowErrorCode.TableFull or FlowErrorCode.FlowTableFull or FlowErrorCode.MaskTableFull or FlowErrorCode.BatchTooLarge =>
            StatusCode.ResourceExhausted,
        FlowErrorCode.NotFound or FlowErrorCode.StaleHandle => StatusCode.NotFound,
        FlowErrorCode.Overlap or FlowErrorCode.UnknownPort => StatusCode.FailedPrecondition,
        _ => StatusCode.InvalidArgument,
    };
}

/// <summary>What became of one update.</summary>
internal record struct UpdateOutcome(StatusCode Code, string? Message, uint Affected);

/// <summary>What became of a request.</summary>
/// <param name="Applied">Updates without error.</param>
/// <param name="Outcomes">One for each update; null when all were plain successes.</param>
internal sealed record FlowWriteOutcome(int Applied, UpdateOutcome[]? Outcomes);

/// <summary>A flow that left the tables.</summary>
internal sealed record FlowRemoval(byte[] Spec, FlowRemovedReason Reason, ulong Packets, ulong Bytes, ulong DurationNs);
