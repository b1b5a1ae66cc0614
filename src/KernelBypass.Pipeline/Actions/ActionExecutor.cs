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
    }

    /// <summary>The state of one packet under execution.</summary>
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

        /// <summary>False: before a change, see <see cref="MakeWritable"/>.</summary>
        internal bool Writable;

        /// <summary>Something has been sent already.</summary>
        internal bool Sent;

        /// <summary>Why an output came to nothing; what a packet without any output is dropped for.</summary>
        internal ActionsDrop Failure;
        internal PuntInfo PendingPunt;
    }

    /// <summary>Executes one packet: it is sent (see <see cref="Outputs"/>), punted or dropped, and no longer the caller's.</summary>
    public void Execute(void* mbuf)
    {
        Run run;
        Unsafe.SkipInit(out run);
        run.Packet = new Mbuf((Dpdk.Native.RteMbuf*)mbuf);
        var meta = (PacketMeta*)run.Packet.PrivateArea;
        run.Meta = meta;
        run.Metadata = 0;
        run.Trace = null;
        run.Pending = 0;
        run.Writable = !run.Packet.IsShared;
        run.Sent = false;
        run.Failure = ActionsDrop.NoOutput;
        if (meta->Traced != 0) run.Trace = _context.TraceOf(mbuf);

        var count = meta->FlowCount;
        var path = meta->FlowPath != 0 && count > 2 ? (nint*)meta->FlowPath : &meta->Flow0;
        var usesSet = false;
        for (var i = 0; i < count; i++)
        {
            var flow = (FlowEntry*)path[i];
            run.Flow = flow;
            if (flow->ApplyCount != 0 && !RunOps(ref run, flow->Apply, flow->ApplyCount)) return;
            if ((flow->WriteCount | flow->ClearActions) != 0)
            {
                if (!usesSet || flow->ClearActions != 0) _set.Clear();
                usesSet = true;
                _set.Write(flow);
            }

            if (flow->MetadataMask != 0)
                run.Metadata = (run.Metadata & ~flow->MetadataMask) | (flow->MetadataValue & flow->MetadataMask);
        }

        if (usesSet && !_set.IsEmpty && !RunSet(ref run)) return;
        Finish(ref run);
    }

    /// <summary>Runs actions in order. False: the packet is done with.</summary>
    private bool RunOps(ref Run run, ActionOp* op, int count)
    {
        for (var end = op + count; op < end; op++)
            if (!RunOne(ref run, op)) return false;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool RunOne(ref Run run, ActionOp* op)
    {
        if (run.Trace != null) RecordAction(ref run, op);
        switch (op->Kind)
        {
            case ActionKind.SetField:
                if (!run.Writable && !MakeWritable(ref run)) return false;
                HeaderRewriter.SetField(run.Packet.Data, run.Meta, op);
                return true;
            case ActionKind.Output:
                Output(ref run, op);
                return true;
            case ActionKind.DecTtl:
                if (!run.Writable && !MakeWritable(ref run)) return false;
                return HeaderRewriter.TryDecrementTtl(run.Packet.Data, run.Meta) || Expire(ref run);
            case ActionKind.PushVlan:
                if (!run.Writable && !MakeWritable(ref run)) return false;
                return HeaderRewriter.TryPushVlan(run.Packet, run.Meta, op->Argument) || Drop(ref run, ActionsDrop.NoHeadroom);
            case ActionKind.PopVlan:
                if (!run.Writable && !MakeWritable(ref run)) return false;
                HeaderRewriter.PopVlan(run.Packet, run.Meta);
                return true;
            case ActionKind.Drop:
                run.Failure = ActionsDrop.ActionDrop;
                Finish(ref run);
                return false;
            default:
                return true;
        }
    }

    /// <summary>Executes the action set in the standard order (OpenFlow 1.3.5, 5.10). False: the packet is done with.</summary>
    private bool RunSet(ref Run run)
    {
        var op = _set.Find(ActionKind.PopVlan);
        if (op != null && !RunOne(ref run, op)) return false;
        op = _set.Find(ActionKind.PushVlan);
        if (op != null && !RunOne(ref run, op)) return false;
        op = _set.Find(ActionKind.DecTtl);
        if (op != null && !RunOne(ref run, op)) return false;
        while ((op = _set.TakeSetField()) != null)
            if (!RunOne(ref run, op)) return false;
        op = _set.Find(ActionKind.Drop);
        if (op != null) return RunOne(ref run, op);
        op = _set.Find(ActionKind.Output);
        if (op == null) return true;
        run.Flow = _set.OutputFlow;
        return RunOne(ref run, op);
    }

    /// <summary>All actions are done: the packet itself goes out by the pending output, or is freed or dropped.</summary>
    private void Finish(ref Run run)
    {
        if (run.Pending != 0)
        {
            if (run.Trace != null) EndTrace(ref run);
            Send(run.Packet, run.Meta, run.Pending, run.PendingMaxLength, run.PendingPunt);
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
            if (copy != null) PuntCopy(copy, Punted(ref run, PacketInReason.InvalidTtl));
        }

        return Drop(ref run, ActionsDrop.TtlExpired);
    }

    /// <summary>Before a change: what is pending takes a copy, and a packet that others hold is replaced by a copy of its own.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool MakeWritable(ref Run run)
    {
        if (run.Pending != 0) SendPendingCopy(ref run);
        run.Writable = true;
        if (!run.Packet.IsShared) return true;
        var copy = _context.Copy(run.Packet.Pointer, uint.MaxValue);
        if (copy == null) return Drop(ref run, ActionsDrop.CopyFailed);

        // The copy's meta is the packet's, so a trace goes on with it.
        run.Meta->Traced = 0;
        _context.Free(run.Packet.Pointer);
        run.Packet = new Mbuf((Dpdk.Native.RteMbuf*)copy);
        run.Meta = (PacketMeta*)run.Packet.PrivateArea;
        return true;
    }
}
