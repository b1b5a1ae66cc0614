using System.Runtime.CompilerServices;
using KernelBypass.Dpdk;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Capture;
using KernelBypass.Pipeline.L2;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Stages;
using KernelBypass.Pipeline.Stages.Actions;

namespace KernelBypass.Pipeline.Actions;

// Outputs: ports, reserved ports, the controller.
public sealed unsafe partial class ActionExecutor
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Output(ref Run run, ActionOp* op)
    {
        // No guards: nothing is pending, nobody traces.
        if (op->Port == _goodPort && op->Port != run.Meta->InPort && run.Guards == Guards.None)
        {
            run.Pending = op->Port;
            run.Guards = Guards.Locked;
            return;
        }

        OutputSlow(ref run, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void OutputSlow(ref Run run, ActionOp* op)
    {
        if (op->Port <= ReservedPort.Max && op->Port != run.Meta->InPort)
        {
            OutputTo(ref run, op->Port);
        }
        else
        {
            OutputReserved(ref run, op);
        }
    }

    /// <summary>Output to an existing port that is up; a failure is remembered, in case there is no other output.</summary>
    private void OutputTo(ref Run run, uint port)
    {
        if (port != _goodPort)
        {
            var index = _ports.IndexOf(port);
            if (index < 0 || !_ports.Ports[index].Up)
            {
                run.Failure = index < 0 ? ActionsDrop.NoSuchPort : ActionsDrop.PortDown;
                return;
            }

            _goodPort = port;
        }

        SetPending(ref run, port);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void OutputReserved(ref Run run, ActionOp* op)
    {
        switch (op->Port)
        {
            case ReservedPort.InPort:
                OutputTo(ref run, run.Meta->InPort);
                break;
            case ReservedPort.All:
                OutputToAll(ref run, floodOnly: false);
                break;
            case ReservedPort.Flood:
                OutputToAll(ref run, floodOnly: true);
                break;
            case ReservedPort.Normal:
                OutputNormal(ref run);
                break;
            case ReservedPort.Controller:
                var reason = run.Flow->IsTableMiss != 0 ? PacketInReason.NoMatch : PacketInReason.Action;
                SetPending(ref run, ReservedPort.Controller);
                run.PendingMaxLength = op->Argument;
                _pendingPunt = Punted(ref run, reason);
                break;
            default:
                // OpenFlow 1.3.5, 4.5: to send a packet back, the flow must say in_port.
                run.Failure = ActionsDrop.OutputToInPort;
                break;
        }
    }

    private void OutputToAll(ref Run run, bool floodOnly)
    {
        var sent = false;
        foreach (ref readonly var port in _ports.Ports)
        {
            if (port.Number == run.Meta->InPort || !port.Up || (floodOnly && !port.Flood)) continue;
            SetPending(ref run, port.Number);
            sent = true;
        }

        if (!sent) run.Failure = ActionsDrop.NoFloodPort;
    }

    /// <summary>L2 learning (IEEE 802.1D 7.7 to 7.9): learns the source, sends to the port of the destination or floods.</summary>
    private void OutputNormal(ref Run run)
    {
        var data = run.Packet.Data;
        if (MacAddressKind.IsLinkLocal(data))
        {
            run.Failure = ActionsDrop.NormalLinkLocal;
            return;
        }

        _learner?.Learn(data, run.Meta);
        var port = _learner is null || MacAddressKind.IsGroup(data) ? 0 : _learner.Lookup(data, run.Meta);
        if (port == 0)
            OutputToAll(ref run, floodOnly: true);
        else if (port == run.Meta->InPort)
            run.Failure = ActionsDrop.OutputToInPort;
        else
            OutputTo(ref run, port);
    }

    /// <summary>Holds an output back; one that was held back before takes a copy of the packet as it is.</summary>
    private void SetPending(ref Run run, uint port)
    {
        if (run.Pending != 0) SendPendingCopy(ref run);
        if (run.Trace != null) RecordOutput(ref run, port);
        run.Pending = port;
        run.Guards |= Guards.Locked;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void SendPendingCopy(ref Run run)
    {
        run.Sent = true;
        var port = run.Pending;
        run.Pending = 0;
        var length = port == ReservedPort.Controller ? run.PendingMaxLength : uint.MaxValue;
        var copy = _context.Copy(run.Packet.Pointer, length == ushort.MaxValue ? uint.MaxValue : length);
        if (copy == null) return; // counted by the mempool's owner; the other outputs go on
        var packet = new Mbuf((Dpdk.Native.RteMbuf*)copy);
        var meta = (PacketMeta*)packet.PrivateArea;
        meta->Traced = 0;
        Send(packet, meta, port, ushort.MaxValue);
    }

    /// <summary>Puts a packet among the outputs, or hands it to the controller.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Send(Mbuf packet, PacketMeta* meta, uint port, ushort maxLength)
    {
        if (port == ReservedPort.Controller)
        {
            SendToController(packet, maxLength, _pendingPunt);
            return;
        }

        meta->OutPort = port;
        if (_outCount == Burst.Capacity)
            _context.Drop(packet.Pointer, (int)ActionsDrop.OutputBurstFull);
        else
            _out[_outCount++] = packet.Pointer;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void SendToController(Mbuf packet, ushort maxLength, in PuntInfo punt)
    {
        if (maxLength >= packet.PacketLength)
        {
            _context.Punt(packet.Pointer, PuntKind.PacketIn, punt);
            return;
        }

        if (packet.SegmentCount == 1)
        {
            packet.DataLength = maxLength;
            packet.PacketLength = maxLength;
            _context.Punt(packet.Pointer, PuntKind.PacketIn, punt);
            return;
        }

        var copy = _context.Copy(packet.Pointer, maxLength);
        _context.Free(packet.Pointer);
        if (copy != null) PuntCopy(copy, punt);
    }

    private void PuntCopy(void* copy, in PuntInfo punt)
    {
        ((PacketMeta*)new Mbuf((Dpdk.Native.RteMbuf*)copy).PrivateArea)->Traced = 0;
        _context.Punt(copy, PuntKind.PacketIn, punt);
    }

    private static PuntInfo Punted(ref Run run, PacketInReason reason) => new()
    {
        Cookie = run.Flow->Cookie,
        Metadata = run.Metadata,
        InPort = run.Meta->InPort,
        WireLength = run.Packet.PacketLength,
        Reason = reason,
        TableId = run.Flow->TableId,
    };

    private static void RecordAction(ref Run run, ActionOp* op)
    {
        var step = new TraceStep
        {
            Kind = TraceStepKind.Action,
            TableId = run.Flow->TableId,
            Priority = run.Flow->Priority,
            Argument = (uint)op->Kind,
            Port = op->Kind switch
            {
                ActionKind.SetField => (uint)op->Field,
                ActionKind.PushVlan => op->Argument,
                _ => op->Port,
            },
            FlowSlot = run.Flow->Slot,
            Cookie = run.Flow->Cookie,
            FlowGeneration = run.Flow->Generation,
        };
        if (op->Kind == ActionKind.SetField) new ReadOnlySpan<byte>(op->Value, 16).CopyTo(new Span<byte>(step.Value, 16));
        run.Trace->Add(step);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RecordFlow(ref Run run) => run.Trace->Add(FlowTrace.Matched(run.Flow));

    /// <summary>A last flow that goes on to another table: no flow of that one matched.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RecordMiss(ref Run run)
    {
        if (run.Flow != null && run.Flow->GotoTable != FlowSpecHeader.NoGoto) run.Trace->Add(FlowTrace.Missed(run.Flow->GotoTable));
    }

    private static void RecordOutput(ref Run run, uint port)
    {
        var toController = port == ReservedPort.Controller;
        run.Trace->Add(new TraceStep
        {
            Kind = toController ? TraceStepKind.Punt : TraceStepKind.Output,
            TableId = run.Flow->TableId,
            Priority = run.Flow->Priority,
            Argument = toController && run.Flow->IsTableMiss == 0 ? (uint)PacketInReason.Action : (uint)PacketInReason.NoMatch,
            Port = port,
            FlowSlot = run.Flow->Slot,
            Cookie = run.Flow->Cookie,
            FlowGeneration = run.Flow->Generation,
        });
    }

    private void BeginTrace(ref Run run)
    {
        run.Trace = _context.TraceOf(run.Packet.Pointer);
        if (run.Trace != null) run.Guards |= Guards.Traced;
    }

    private void EndTrace(ref Run run)
    {
        run.Trace = null;
        _context.EndTrace(run.Packet.Pointer);
    }
}
