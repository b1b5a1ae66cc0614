using System.Runtime.InteropServices;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Actions;
using KernelBypass.Pipeline.L2;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Stages.Actions;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Tests.Actions;

/// <summary>An executor over detached packets, with ports 1 to 4 (1 receives, 4 does not flood), and flows made from actions.</summary>
internal sealed unsafe class ActionRig : IDisposable
{
    internal const uint InPort = 1;

    private readonly void** _outputs = (void**)NativeMemory.Alloc(Burst.Capacity, (nuint)sizeof(void*));
    private readonly List<nint> _memory = [];

    internal ActionRig(MacLearner? learner = null, bool puntExpired = false)
    {
        Packets = new DetachedPackets();
        Context = new DetachedContext(Packets);
        Executor = new ActionExecutor(Context, _outputs, learner, puntExpired);
        Ports =
        [
            new(1, 10, Up: true, Flood: true, TxChecksumOffload: false),
            new(2, 11, Up: true, Flood: true, TxChecksumOffload: false),
            new(3, 12, Up: true, Flood: true, TxChecksumOffload: false),
            new(4, 13, Up: true, Flood: false, TxChecksumOffload: false),
            new(5, 14, Up: false, Flood: true, TxChecksumOffload: false),
        ];
    }

    internal DetachedPackets Packets { get; }

    internal DetachedContext Context { get; }

    internal ActionExecutor Executor { get; }

    internal PortDirectory.Entry[] Ports { get; set; }

    /// <summary>Drop reasons so far.</summary>
    internal ActionsDrop[] Drops => [.. Context.Drops.Select(d => (ActionsDrop)d.Reason)];

    /// <summary>Makes a flow's entry of its actions; lives as long as the rig.</summary>
    internal FlowEntry* Flow(FlowSpec spec)
    {
        var bytes = spec.Encode();
        FlowSpecDecoder.TryReadHeader(bytes, out var head);
        var entry = (FlowEntry*)Allocate(sizeof(FlowEntry));
        entry->Cookie = spec.Cookie;
        entry->TableId = spec.TableId;
        entry->Priority = spec.Priority;
        entry->MetadataMask = spec.MetadataMask;
        entry->MetadataValue = spec.MetadataValue;
        entry->GotoTable = head.GotoTable;
        entry->ClearActions = head.ClearActions;
        entry->IsTableMiss = spec.Priority == 0 && spec.Match.Count == 0 ? (byte)1 : (byte)0;
        entry->Apply = Compile(FlowSpecDecoder.Apply(bytes, head), out entry->ApplyCount);
        entry->Write = Compile(FlowSpecDecoder.Write(bytes, head), out entry->WriteCount);
        return entry;
    }

    internal FlowEntry* Apply(params FlowAction[] actions) => Flow(new FlowSpec { Priority = 1, Cookie = 42, ApplyActions = actions });

    /// <summary>Parses a frame and gives it a path of flows; the packet is the caller's.</summary>
    internal void* Packet(byte[] frame, params nint[] flows)
    {
        var mbuf = Packets.Create(frame, InPort);
        Parse(mbuf);
        var meta = DetachedPackets.Meta(mbuf);
        meta->FlowCount = flows.Length;
        meta->Flow0 = flows.Length > 0 ? flows[0] : 0;
        meta->Flow1 = flows.Length > 1 ? flows[1] : 0;
        if (flows.Length <= 2) return mbuf;
        var path = (nint*)Allocate(sizeof(FlowPath));
        flows.CopyTo(new Span<nint>(path, FlowPath.MaxFlows));
        meta->FlowPath = (nint)path;
        return mbuf;
    }

    /// <summary>Executes one packet and returns what goes out, in order.</summary>
    internal (uint Port, byte[] Frame)[] Run(byte[] frame, params nint[] flows) => Run(Packet(frame, flows));

    internal (uint Port, byte[] Frame)[] Run(void* mbuf)
    {
        Executor.Begin(new PortDirectory.Snapshot(Ports));
        Executor.Execute(mbuf);
        var outputs = new List<(uint, byte[])>();
        foreach (var output in Executor.Outputs)
        {
            outputs.Add((DetachedPackets.Meta((void*)output)->OutPort, DetachedPackets.Frame((void*)output)));
            Packets.Free((void*)output);
        }

        Assert.Equal(0, Packets.Live);
        return [.. outputs];
    }

    /// <summary>The one frame that actions make of a frame, out of port 2.</summary>
    internal byte[] Change(byte[] frame, params FlowAction[] actions)
    {
        var outputs = Run(frame, (nint)Apply([.. actions, FlowAction.Output(2)]));
        Assert.Equal(2u, Assert.Single(outputs).Port);
        return outputs[0].Frame;
    }

    public void Dispose()
    {
        foreach (var block in _memory) NativeMemory.Free((void*)block);
        NativeMemory.Free(_outputs);
        Context.Dispose();
        Packets.Dispose();
    }

    private static void Parse(void* mbuf)
    {
        var packet = new KernelBypass.Dpdk.Mbuf((KernelBypass.Dpdk.Native.RteMbuf*)mbuf);
        var verdict = Parser.Parse(packet.Data, packet.DataLength, (int)packet.PacketLength, DetachedPackets.Meta(mbuf));
        Assert.Equal(ParserVerdict.Ok, verdict);
    }

    private ActionOp* Compile(ReadOnlySpan<byte> section, out ushort count)
    {
        count = (ushort)ActionCompiler.Count(section);
        var ops = (ActionOp*)Allocate(sizeof(ActionOp) * count);
        Assert.Equal(count, ActionCompiler.Compile(section, new Span<ActionOp>(ops, count)));
        return ops;
    }

    private void* Allocate(int bytes)
    {
        var block = NativeMemory.AllocZeroed((nuint)Math.Max(1, bytes));
        _memory.Add((nint)block);
        return block;
    }
}
