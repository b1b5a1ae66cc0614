using System.Runtime.CompilerServices;
using KernelBypass.Dpdk;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Capture;
using KernelBypass.Pipeline.L2;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Stages;
using KernelBypass.Pipeline.Stages.Actions;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Actions;

/// <summary>
/// Executes the flows that a packet has met, by OpenFlow 1.3.5's rules (5.9 to 5.12): apply-actions at once and in order, then
/// clear-actions, write-actions and write-metadata; the action set at the end.
/// </summary>
/// <remarks>
/// An output is held back as <i>pending</i> until it is known whether the packet goes on: the last output takes the packet itself;
/// an earlier one takes a copy, made just before the packet is changed or sent again. So the usual packet is never copied.
/// Outputs stand in the order in which they were executed. One instance for each lcore.
/// </remarks>
public sealed unsafe partial class ActionExecutor
{
    private readonly StageContext _context;
    private readonly MacLearner? _learner;
    private readonly bool _puntExpired;
    private readonly void** _out;
    private int _outCount;
    private PortDirectory.Snapshot _ports;
    private ActionSet _set;
    private PuntInfo _pendingPunt;

    // The last output port that was found to exist and to be up, in this burst; 0 none.
    private uint _goodPort;

    /// <summary>An executor over a buffer for its outputs.</summary>
    /// <param name="context">Drops, copies, punts.</param>
    /// <param name="outputs">Room for <see cref="Burst.Capacity"/> packets; must outlive the executor.</param>
    /// <param name="learner">The MAC table for output normal; null: normal floods.</param>
    /// <param name="puntExpired">Packets that dec_ttl drops also go to the controller, reason INVALID_TTL.</param>
    public ActionExecutor(StageContext context, void** outputs, MacLearner? learner, bool puntExpired)
    {
        _context = context;
        _out = outputs;
        _learner = learner;
        _puntExpired = puntExpired;
        _ports = new PortDirectory.Snapshot([]);
    }

    /// <summary>Packets to send so far, in order; their meta's OutPort says where.</summary>
    public ReadOnlySpan<nint> Outputs => new(_out, _outCount);

    /// <summary>Starts a burst with the ports in force.</summary>
    public void Begin(PortDirectory.Snapshot ports)
    {
        _ports = ports;
        _outCount = 0;
        _goodPort = 0;
    }

    /// <summary>The state of one packet under execution. All zero is the start, but for the packet itself.</summary>
    private struct Run
    {
        internal Mbuf Packet;
        internal PacketMeta* Meta;
        internal FlowEntry* Flow;
        internal ulong Metadata;

        /// <summary>Set for a traced packet.</summary>
        internal TraceRecord* Trace;

        /// <summary>Output held back: a port number, or Controller; 0 none.</summary>
        internal uint Pending;
        internal ushort PendingMaxLength;

        /// <summary>What must be seen to before the next action; zero for the usual packet.</summary>
        internal Guards Guards;

        /// <summary>Something has been sent already.</summary>
        internal bool Sent;

        /// <summary>Why an output came to nothing; what a packet without any output is dropped for.</summary>
        internal ActionsDrop Failure;
    }

    [Flags]
    private enum Guards : byte
    {
        None = 0,

        /// <summary>The packet is shared or an output is pending: see <see cref="MakeWritable"/>.</summary>
        Locked = 1,

        /// <summary>Each action is recorded.</summary>
        Traced = 2,
    }

    /// <summary>Executes one packet: it is sent (see <see cref="Outputs"/>), punted or dropped, and no longer the caller's.</summary>
    public void Execute(void* mbuf)
    {
        Run run = default;
        run.Packet = new Mbuf((Dpdk.Native.RteMbuf*)mbuf);
        var meta = (PacketMeta*)run.Packet.PrivateArea;
        run.Meta = meta;
        if (run.Packet.IsShared) run.Guards = Guards.Locked;
        if (meta->Traced != 0) BeginTrace(ref run);

        var count = meta->FlowCount;
        if (count == 1)
        {
            // The usual packet: one flow with apply-actions only.
            var flow = (FlowEntry*)meta->Flow0;
            run.Flow = flow;
            if (run.Trace != null) RecordFlow(ref run);
            if (!RunOps(ref run, flow->Apply, flow->ApplyCount)) return;
            if (flow->WriteCount == 0 || flow->GotoTable != FlowSpecHeader.NoGoto)
            {
                if (run.Trace != null) RecordMiss(ref run);
                Finish(ref run);
                return;
            }

            _set.Clear();
            _set.Write(flow);
            if (RunSet(ref run)) Finish(ref run);
            return;
        }

        if (RunPath(ref run, count)) Finish(ref run);
    }

    /// <summary>Runs several flows, one for each table. False: the packet is done with.</summary>
    private bool RunPath(ref Run run, int count)
    {
        _set.Clear();
        for (var i = 0; i < count; i++)
        {
            // Looked up each time: the packet, and with it its meta, may have been replaced by a copy.
            var path = count > 2 ? (nint*)run.Meta->FlowPath : &run.Meta->Flow0;
            var flow = (FlowEntry*)path[i];
            run.Flow = flow;
            if (run.Trace != null) RecordFlow(ref run);
            if (!RunOps(ref run, flow->Apply, flow->ApplyCount)) return false;
            if (flow->ClearActions != 0) _set.Clear();
            if (flow->WriteCount != 0) _set.Write(flow);
            run.Metadata = (run.Metadata & ~flow->MetadataMask) | (flow->MetadataValue & flow->MetadataMask);
        }

        if (run.Trace != null) RecordMiss(ref run);

        // A last flow that goes on to another table: the packet missed there, and its action set dies with it (OpenFlow 1.3.5, 5.4).
        return _set.IsEmpty || run.Flow->GotoTable != FlowSpecHeader.NoGoto || RunSet(ref run);
    }

    /// <summary>Runs actions in order. False: the packet is done with.</summary>
    private bool RunOps(ref Run run, ActionOp* op, int count)
    {
        var data = run.Packet.Data;
        var meta = run.Meta;
        for (var end = op + count; op < end; op++)
        {
            var code = op->Code;
            if (run.Guards != Guards.None)
            {
                code = PassGuards(ref run, op);
                if (code == ActionCode.None) return false;
                data = run.Packet.Data;
                meta = run.Meta;
            }

            switch (code)
            {
                case ActionCode.Output:
                    Output(ref run, op);
                    break;
                case ActionCode.SetEthAddresses:
                    *(ulong*)data = *(ulong*)op->Value;
                    *(uint*)(data + 8) = *(uint*)(op->Value + 8);
                    op++;
                    break;
                case ActionCode.SetEthDst:
                    *(uint*)data = *(uint*)op->Value;
                    *(ushort*)(data + 4) = *(ushort*)(op->Value + 4);
                    break;
                case ActionCode.SetEthSrc:
                    *(uint*)(data + 6) = *(uint*)op->Value;
                    *(ushort*)(data + 10) = *(ushort*)(op->Value + 4);
                    break;
                case ActionCode.DecTtl:
                    if (!HeaderRewriter.TryDecrementTtl(data, meta)) return Expire(ref run);
                    break;
                case ActionCode.SetOther:
                    HeaderRewriter.SetField(data, meta, op);
                    break;
                case ActionCode.PushVlan:
                    if (!HeaderRewriter.TryPushVlan(run.Packet, meta, op->Argument)) return Drop(ref run, ActionsDrop.NoHeadroom);
                    data = run.Packet.Data;
                    break;
                case ActionCode.PopVlan:
                    HeaderRewriter.PopVlan(run.Packet, meta);
                    data = run.Packet.Data;
                    break;
                case ActionCode.Drop:
                    run.Failure = ActionsDrop.ActionDrop;
                    Finish(ref run);
                    return false;
            }
        }

        return true;
    }

    /// <summary>Traces the action and makes the packet writable if the action needs it. None: the packet is done with.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ActionCode PassGuards(ref Run run, ActionOp* op)
    {
        var code = op->Code;
        if (run.Trace != null)
        {
            // A traced packet takes actions one by one.
            RecordAction(ref run, op);
            if (code == ActionCode.SetEthAddresses) code = ActionCode.SetEthDst;
        }

        var changes = code is not (ActionCode.Output or ActionCode.Drop);
        return changes && (run.Guards & Guards.Locked) != 0 && !MakeWritable(ref run) ? ActionCode.None : code;
    }

    /// <summary>Executes the action set in the standard order (OpenFlow 1.3.5, 5.10). False: the packet is done with.</summary>
    private bool RunSet(ref Run run)
    {
        if (!RunOfSet(ref run, ActionKind.PopVlan) || !RunOfSet(ref run, ActionKind.PushVlan) || !RunOfSet(ref run, ActionKind.DecTtl))
            return false;
        ActionOp* op;
        while ((op = _set.TakeSetField()) != null)
        {
            // One action alone, without the one fused to it.
            var alone = *op;
            if (alone.Code == ActionCode.SetEthAddresses) alone.Code = ActionCode.SetEthDst;
            if (!RunOps(ref run, &alone, 1)) return false;
        }

        if (!RunOfSet(ref run, ActionKind.Drop)) return false;
        if (_set.OutputFlow != null) run.Flow = _set.OutputFlow;
        return RunOfSet(ref run, ActionKind.Output);
    }

    private bool RunOfSet(ref Run run, ActionKind kind)
    {
        var op = _set.Find(kind);
        return op == null || RunOps(ref run, op, 1);
    }

    /// <summary>All actions are done: the packet itself goes out by the pending output, or is freed or dropped.</summary>
    private void Finish(ref Run run)
    {
        if (run.Pending != 0)
        {
            if (run.Trace != null) EndTrace(ref run);
            Send(run.Packet, run.Meta, run.Pending, run.PendingMaxLength);
        }
        else if (run.Sent)
        {
            if (run.Trace != null) EndTrace(ref run);
            _context.Free(run.Packet.Pointer);
        }
        else
        {
            Drop(ref run, run.Failure);
        }
    }

    private bool Drop(ref Run run, ActionsDrop reason)
    {
        _context.Drop(run.Packet.Pointer, (int)reason);
        return false;
    }

    /// <summary>A dec_ttl that would reach zero: the packet is dropped, and the controller told if it wants to be.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Expire(ref Run run)
    {
        if (_puntExpired)
        {
            var copy = _context.Copy(run.Packet.Pointer, uint.MaxValue);
            if (run.Trace != null)
                run.Trace->Add(new TraceStep { Kind = TraceStepKind.Punt, Argument = (uint)PacketInReason.InvalidTtl });
            if (copy != null) PuntCopy(copy, Punted(ref run, PacketInReason.InvalidTtl));
        }

        return Drop(ref run, ActionsDrop.TtlExpired);
    }

    /// <summary>Before a change: what is pending takes a copy, and a packet that others hold is replaced by a copy of its own.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool MakeWritable(ref Run run)
    {
        if (run.Pending != 0) SendPendingCopy(ref run);
        run.Guards &= ~Guards.Locked;
        if (!run.Packet.IsShared) return true;
        var copy = _context.Copy(run.Packet.Pointer, uint.MaxValue);
        if (copy == null) return Drop(ref run, ActionsDrop.CopyFailed);

        // The trace goes on with the copy, which else is the packet in everything.
        ((PacketMeta*)new Mbuf((Dpdk.Native.RteMbuf*)copy).PrivateArea)->Traced = run.Meta->Traced;
        run.Meta->Traced = 0;
        _context.Free(run.Packet.Pointer);
        run.Packet = new Mbuf((Dpdk.Native.RteMbuf*)copy);
        run.Meta = (PacketMeta*)run.Packet.PrivateArea;
        return true;
    }
}
