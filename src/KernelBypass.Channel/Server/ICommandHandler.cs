using KernelBypass.Channel.Messages;
using KernelBypass.Model.Flows;

namespace KernelBypass.Channel.Server;

/// <summary>
/// What the data plane does for its daemon; called on the main lcore by <see cref="ControlServer.Poll"/>. The flow methods
/// allocate
/// nothing. Payloads are private copies, but hold whatever the daemon wrote: handles and flows are checked here.
/// </summary>
public interface ICommandHandler : IQueryHandler
{
    /// <summary>Adds an encoded flow; one of equal identity is replaced.</summary>
    FlowResult AddFlow(ReadOnlySpan<byte> spec);

    /// <summary>Gives a flow other instructions.</summary>
    FlowResult ModifyFlow(FlowHandle flow, ReadOnlySpan<byte> spec);

    /// <summary>Takes a flow out.</summary>
    FlowResult DeleteFlow(FlowHandle flow, FlowRemovedReason reason);

    /// <summary>
    /// Carries out every item of a batch, in order, or none. <paramref name="results"/> has room for one result an item, and is
    /// filled when all
    /// went well.
    /// </summary>
    BatchCompletion CommitBatch(in FlowBatchItems items, Span<FlowResult> results);

    /// <summary>Called before results of flow commands are told: from then on every packet meets the flows as they are
    /// now.</summary>
    void PublishFlows();

    /// <summary>Adds flows from the cursor on until the answer is full.</summary>
    /// <returns>The next cursor, or <see cref="FlowDumpHead.End"/>.</returns>
    uint DumpFlows(uint cursor, ref FlowDumpWriter writer);

    /// <summary>Sends a packet; what is wrong with it is counted.</summary>
    void PacketOut(uint inPort, ReadOnlySpan<byte> actions, ReadOnlySpan<byte> packet);

    /// <summary>A daemon has attached; the rings are empty.</summary>
    void DaemonAttached(int pid);

    /// <summary>The daemon is gone or was shut out; its half-sent batch has been dropped.</summary>
    void DaemonDetached(string reason);
}
