using System.Runtime.InteropServices;
using KernelBypass.Channel.Messages;
using KernelBypass.Model.Flows;

namespace KernelBypass.Channel.Server;

/// <summary>Commands, one at a time.</summary>
public sealed partial class ControlServer
{
    private int _toldResults;

    private void Dispatch(ICommandHandler handler, in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        switch (header.Type)
        {
            case MessageType.FlowAdd:
            case MessageType.FlowModify:
            case MessageType.FlowDelete:
                if (_batch.IsOpen)
                {
                    _batch.Add(header.Type, header.Correlation, payload);
                    return;
                }

                if (_run.MustFlushBefore(header.Correlation)) TellResults(handler);
                _run.Add(header.Correlation, RunFlowCommand(handler, header.Type, payload));
                return;
            case MessageType.BatchBegin:
                _batch.Open();
                return;
            case MessageType.BatchCommit:
                TellResults(handler);
                CommitBatch(handler, header.Correlation);
                return;
            case MessageType.FlowDump:
                TellResults(handler);
                DumpFlows(handler, header.Correlation, payload);
                return;
            default:
                TellResults(handler);
                var (type, answer) = QueryDispatch.Run(handler, header.Type, payload);
                _backlog.Put(type, header.Correlation, answer);
                _ = _backlog.TrySend();
                return;
        }
    }

    private void TellResults(ICommandHandler handler)
    {
        handler.PublishFlows();
        _run.Flush();
    }

    private static FlowResult RunFlowCommand(ICommandHandler handler, MessageType type, ReadOnlySpan<byte> payload)
    {
        if (type == MessageType.FlowAdd) return handler.AddFlow(payload);
        if (type == MessageType.FlowModify)
        {
            return FlowModifyCommand.TryDecode(payload, out var flow, out var spec)
                ? handler.ModifyFlow(flow, spec) : FlowResult.Failed(new(FlowErrorCode.Truncated));
        }

        return FlowDeleteCommand.TryDecode(payload, out var command)
            ? handler.DeleteFlow(command.Flow, command.Reason) : FlowResult.Failed(new(FlowErrorCode.Truncated));
    }

    private void CommitBatch(ICommandHandler handler, ulong correlation)
    {
        var completion = new BatchCompletion { Result = FlowResult.Stands(0, 0) };
        if (_batch.TooLarge)
        {
            completion.FailedIndex = (uint)_batch.Count;
            completion.Result = FlowResult.Failed(new(FlowErrorCode.BatchTooLarge));
        }
        else if (_batch.IsOpen)
        {
            _batch.Close();
            completion = handler.CommitBatch(_batch.Items, _batch.Results);
            handler.PublishFlows();
        }

        _batchCompletion = completion;
        _batchCorrelation = correlation;
        _toldResults = completion.Result.IsOk ? 0 : _batch.Count;
        _batchTold = false;
        _ = TellBatch();
    }

    private BatchCompletion _batchCompletion;
    private ulong _batchCorrelation;
    private bool _batchTold = true;

    /// <summary>Sends the results of a committed batch as room comes; true when nothing is left.</summary>
    private bool TellBatch()
    {
        if (_batchTold) return true;
        while (_toldResults < _batch.Count)
        {
            var part = _batch.Results.Slice(_toldResults, Math.Min(CompletionRun.Capacity, _batch.Count - _toldResults));
            var correlation = _batch.FirstCorrelation + (ulong)_toldResults;
            if (!_events.TryWrite(
                MessageType.FlowCompletion, MessageFlags.None, correlation, MemoryMarshal.AsBytes(part))) return false;
            _toldResults += part.Length;
        }

        var bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<BatchCompletion>(in _batchCompletion));
        if (!_events.TryWrite(MessageType.BatchCompletion, MessageFlags.None, _batchCorrelation, bytes)) return false;
        _batchTold = true;
        _batch.Clear();
        return true;
    }

    private void DumpFlows(ICommandHandler handler, ulong correlation, ReadOnlySpan<byte> payload)
    {
        if (!FlowDumpCommand.TryDecode(payload, out var command))
        {
            ShutOut(handler, "the daemon broke the channel's protocol: a malformed flow dump");
            return;
        }

        var writer = new FlowDumpWriter(_dump, command.Max);
        var next = handler.DumpFlows(command.Cursor, ref writer);
        _ = _events.TryWrite(MessageType.FlowDumpEntries, MessageFlags.None, correlation, writer.Finish(next));
    }
}
