using KernelBypass.Channel.Messages;
using KernelBypass.Channel.Server;
using KernelBypass.Model.Flows;
using TableHandle = KernelBypass.Pipeline.Tables.FlowHandle;

namespace KernelBypass.DataPlane.Commands;

/// <summary>All-or-nothing batches: everything that can be checked beforehand is; what fails all the same is undone.</summary>
internal sealed partial class SwitchCommands
{
    /// <inheritdoc/>
    public BatchCompletion CommitBatch(in FlowBatchItems items, Span<FlowResult> results)
    {
        uint index = 0;
        foreach (var item in items)
        {
            var error = CheckItem(item);
            if (!error.IsOk) return new() { FailedIndex = index, Result = FlowResult.Failed(error) };
            index++;
        }

        _undo.Begin();
        index = 0;
        foreach (var item in items)
        {
            var result = ApplyItem(item);
            if (!result.IsOk)
            {
                // Flows that had to be made again have other handles: the daemon learns them by attaching anew.
                if (_undo.Rollback(this)) _runtime.Server.CloseSession("a batch was undone, and flows were made again");
                return new() { FailedIndex = index, Result = result };
            }

            results[(int)index++] = result;
        }

        _undo.Begin();
        return new() { Applied = index, Result = FlowResult.Stands(0, 0) };
    }

    private FlowSpecError CheckItem(in FlowBatchItems.Item item)
    {
        if (item.Type == MessageType.FlowDelete)
        {
            return FlowDeleteCommand.TryDecode(item.Payload, out var delete)
                ? CheckHandle(delete.Flow) : new(FlowErrorCode.Truncated);
        }

        if (item.Type == MessageType.FlowModify)
            return FlowModifyCommand.TryDecode(item.Payload, out var flow, out _) ? CheckHandle(flow)
                : new(FlowErrorCode.Truncated);
        FlowKey key = default, mask = default;
        return FlowSpecDecoder.TryDecode(item.Payload, _runtime.FlowLimits, out _, ref key, ref mask);
    }

    private FlowSpecError CheckHandle(FlowHandle flow) =>
        _runtime.Tables.TryGet(new TableHandle(flow.Slot, flow.Generation), out _, out _) ? FlowSpecError.Ok
            : new(FlowErrorCode.StaleHandle);

    private FlowResult ApplyItem(in FlowBatchItems.Item item)
    {
        switch (item.Type)
        {
            case MessageType.FlowDelete:
                _ = FlowDeleteCommand.TryDecode(item.Payload, out var delete);
                _undo.WillDelete(delete.Flow);
                return Recorded(DeleteFlow(delete.Flow, delete.Reason));
            case MessageType.FlowModify:
                _ = FlowModifyCommand.TryDecode(item.Payload, out var flow, out var instructions);
                _undo.WillModify(flow);
                return Recorded(ModifyFlow(flow, instructions));
            default:
                _undo.WillAdd(item.Payload);
                return Recorded(AddFlow(item.Payload));
        }
    }

    private FlowResult Recorded(in FlowResult result)
    {
        _undo.Done(result);
        return result;
    }
}
