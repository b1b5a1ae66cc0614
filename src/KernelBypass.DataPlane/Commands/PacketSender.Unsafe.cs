using System.Runtime.InteropServices;
using KernelBypass.DataPlane.Switch;
using KernelBypass.Dpdk;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Actions;
using KernelBypass.Pipeline.L2;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Stages.Actions;

namespace KernelBypass.DataPlane.Commands;

/// <summary>
/// Sends packet-outs: the actions run here, on the main lcore, over a copy in an mbuf, and what they output goes to the lcores
/// that send.
/// Allocates nothing.
/// </summary>
internal sealed unsafe class PacketSender : IDisposable
{
    private readonly SwitchRuntime _runtime;
    private readonly PacketOutContext _context;
    private readonly CompiledActions _actions = new();
    private readonly ActionExecutor _executor;
    private readonly void** _outputs = (void**)NativeMemory.Alloc(Burst.Capacity, (nuint)sizeof(void*));

    internal PacketSender(SwitchRuntime runtime)
    {
        _runtime = runtime;
        _context = new PacketOutContext(runtime);
        // Stations are learnt from ports, not from controllers: a learner of its own that looks up and is never asked to learn,
        // as
        // the in_port of a packet from the controller is none.
        _executor = new ActionExecutor(
            _context, _outputs, new MacLearner(runtime.Macs, (int)Lcore.Main, _context.Deferred), puntExpired: false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _actions.Dispose();
        _context.Dispose();
        NativeMemory.Free(_outputs);
    }

    /// <summary>Sends a packet; false when it is malformed, its actions are, or there was no room for it.</summary>
    internal bool TrySend(uint inPort, ReadOnlySpan<byte> actions, ReadOnlySpan<byte> bytes)
    {
        if (inPort == ReservedPort.Any) inPort = 0;
        if (!CheckActions(actions, out var toTable)) return false;
        if (!_runtime.Engine.TryMakePacket(bytes, inPort, out var packet)) return false;
        if (toTable)
        {
            if (_runtime.Engine.TryInject(packet)) return true;
            packet.Free();
            return false;
        }

        var meta = (PacketMeta*)packet.PrivateArea;
        if (Parser.Parse(packet.Data, packet.DataLength, (int)packet.PacketLength, meta) != ParserVerdict.Ok
            || !_actions.TryCompile(new FlowSpecHeader { GotoTable = FlowSpecHeader.NoGoto }, actions, default))
        {
            packet.Free();
            return false;
        }

        meta->InPort = inPort;
        meta->FlowCount = 1;
        meta->Flow0 = (nint)_actions.Entry;
        meta->FlowPath = 0;
        _context.Reset();
        _executor.Begin(_runtime.PortNumbers.Current);
        _executor.Execute(packet.Pointer);
        var sent = _context.Punted > 0;
        foreach (var output in _executor.Outputs)
        {
            var mbuf = new Mbuf((Dpdk.Native.RteMbuf*)output);
            if (_runtime.Engine.TrySend(mbuf)) sent = true;
            else mbuf.Free();
        }

        return sent;
    }

    /// <summary>
    /// Actions from the control plane are checked as a flow's would be, but for prerequisites: the packet itself is there to look
    /// at, and
    /// the executor does so. Output TABLE must stand alone.
    /// </summary>
    private bool CheckActions(ReadOnlySpan<byte> actions, out bool toTable)
    {
        toTable = false;
        var count = 0;
        var reader = new ActionReader(actions);
        while (reader.MoveNext())
        {
            count++;
            if (!PacketOutActions.IsSound(ref reader)) return false;
            if (reader.Kind == ActionKind.Output) toTable |= reader.Port == ReservedPort.Table;
        }

        return !reader.Truncated && count > 0 && count <= _runtime.Config.Limits.ActionsPerFlow && (!toTable || count == 1);
    }
}
