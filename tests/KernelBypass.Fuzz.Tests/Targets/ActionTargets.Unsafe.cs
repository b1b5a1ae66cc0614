using System.Buffers.Binary;
using System.Runtime.InteropServices;
using KernelBypass.Fuzz.Tests.Harness;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Actions;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Tables;
using KernelBypass.Wire;
using static KernelBypass.Fuzz.Tests.Targets.WireTargets;

namespace KernelBypass.Fuzz.Tests.Targets;

/// <summary>
/// Actions on packets of any shape. Three descriptions of one thing must agree: the packet that the executor rewrites, parsed
/// anew; the key that the key rewriter foretells; and the checksums, which the Wire views add up in full.
/// </summary>
internal static unsafe class ActionTargets
{
    private const uint InPort = 1;
    private const uint OutPort = 2;
    private const int MaxActions = 5;
    private const int ProgramLength = 1 + (2 * MaxActions);
    private const int MaxTags = 2; // the key has room for two

    /// <summary>Input: number of actions, two bytes for each, then a frame, whose checksums are made right first.</summary>
    internal static FuzzTarget Rewriting { get; } = new("packet-actions", Seeds(), Tokens, 15_000, input =>
    {
        if (input.Length <= ProgramLength)
            return 0;
        byte[] frame = input[ProgramLength..].ToArray();
        if (!Parse(frame, out PacketMeta meta) || (meta.L3Offset - 14) / 4 > MaxTags)
            return 1;
        Checksums(frame, meta, fill: true);
        Require(Parse(frame, out meta), "right checksums make a frame malformed");
        List<FlowAction> actions = Actions(input[..ProgramLength], meta, out int growth);
        using var flow = new CompiledFlow(actions);
        FlowKey foretold = meta.Key;
        KeyRewriter.Apply(flow.Entry, &foretold);
        byte[]? result = Execute(frame, flow.Entry);
        if (result is null)
        {
            Require(actions.Contains(FlowAction.DecTtl), "a packet is lost without having expired");
            return 2;
        }
        Require(result.Length == frame.Length + growth, "the frame's length is not that which the tags make");
        Require(Parse(result, out PacketMeta after), "the result is malformed");
        Require(Bytes(foretold).SequenceEqual(Bytes(after.Key)), "the key rewriter foretells another packet");
        Require(Checksums(result, after, fill: false), "a checksum of the result is wrong");
        return (ulong)meta.Kinds | ((ulong)meta.VlanTags << 8) | ((ulong)(growth + 16) << 16) | ((ulong)actions.Count << 24)
            | ((ulong)actions.Sum(a => 1L << (int)a.Kind) << 32);
    });

    private static ReadOnlySpan<byte> Bytes(in FlowKey key) => MemoryMarshal.AsBytes((ReadOnlySpan<ulong>)key);

    private static List<byte[]> Seeds() => [.. Frames.Where(f => f.Length < 300).SelectMany(WithPrograms)];

    private static IEnumerable<byte[]> WithPrograms(byte[] frame, int index)
    {
        yield return [3, (byte)index, 1, (byte)(index * 3), 2, (byte)(index * 7), 9, 0, 0, 0, 0, .. frame];
        yield return [5, 0, 77, 2, 78, 4, 79, 6, 80, 8, (byte)index, .. frame];
    }

    private static bool Parse(ReadOnlySpan<byte> frame, out PacketMeta result)
    {
        PacketMeta meta = default;
        meta.InPort = InPort;
        fixed (byte* data = frame)
        {
            bool ok = Parser.Parse(data, frame.Length, frame.Length, &meta) == ParserVerdict.Ok;
            result = meta;
            return ok;
        }
    }

    private static byte[]? Execute(byte[] frame, FlowEntry* flow)
    {
        using var packets = new DetachedPackets();
        using var context = new DetachedContext(packets);
        void** outputs = stackalloc void*[Burst.Capacity];
        var executor = new ActionExecutor(context, outputs, learner: null, puntExpired: false);
        executor.Begin(new PortDirectory.Snapshot(
        [
            new(InPort, 10, Up: true, Flood: true, TxChecksumOffload: false),
            new(OutPort, 11, Up: true, Flood: true, TxChecksumOffload: false),
        ]));
        void* packet = packets.Create(frame, InPort);
        PacketMeta* meta = DetachedPackets.Meta(packet);
        Require(Parse(frame, out PacketMeta parsed), "parsed twice, differently");
        parsed.WireLength = meta->WireLength;
        parsed.FlowCount = 1;
        parsed.Flow0 = (nint)flow;
        *meta = parsed;
        executor.Execute(packet);
        byte[]? result = null;
        foreach (nint output in executor.Outputs)
        {
            Require(result is null && DetachedPackets.Meta((void*)output)->OutPort == OutPort, "one packet becomes several");
            result = DetachedPackets.Frame((void*)output);
            packets.Free((void*)output);
        }
        Require(packets.Live == 0, "a packet is neither sent nor freed");
        return result;
    }

    /// <summary>Actions that the packet fulfils the prerequisites of, chosen by the program's bytes; ends in an output.</summary>
    private static List<FlowAction> Actions(ReadOnlySpan<byte> program, in PacketMeta meta, out int growth)
    {
        var actions = new List<FlowAction>();
        int before = (meta.L3Offset - EthernetView.HeaderLength) / VlanTag.Size, tags = before;
        for (int i = 0; i < program[0] % (MaxActions + 1); i++)
        {
            byte value = program[2 + (2 * i)];
            FlowAction? action = (program[1 + (2 * i)] % 12) switch
            {
                0 => FlowAction.SetField(MatchField.EthDst, Fill(6, value)),
                1 => FlowAction.SetField(MatchField.EthSrc, Fill(6, value)),
                2 when tags < MaxTags => FlowAction.PushVlan(value % 2 == 0 ? EtherTypes.Vlan : EtherTypes.QinQ),
                3 when tags > 0 => FlowAction.PopVlan,
                4 when tags > 0 => FlowAction.SetField(MatchField.VlanVid, [(byte)(0x10 | (value & 0xF)), value]),
                5 when tags > 0 => FlowAction.SetField(MatchField.VlanPcp, [(byte)(value & 7)]),
                int kind => IpAction(kind, value, meta),
            };
            tags += action?.Kind switch { ActionKind.PushVlan => 1, ActionKind.PopVlan => -1, _ => 0 };
            if (action is not null)
                actions.Add(action);
        }
        growth = (tags - before) * VlanTag.Size;
        actions.Add(FlowAction.Output(OutPort));
        return actions;
    }

    private static FlowAction? IpAction(int kind, byte value, in PacketMeta meta)
    {
        bool ipv4 = (meta.Kinds & PacketKinds.Ipv4) != 0, tcp = (meta.Kinds & PacketKinds.Tcp) != 0;
        if (!ipv4 && (meta.Kinds & PacketKinds.Ipv6) == 0)
            return null;
        return kind switch
        {
            6 => FlowAction.SetField(MatchField.IpDscp, [(byte)(value & 63)]),
            7 => FlowAction.SetField(MatchField.IpEcn, [(byte)(value & 3)]),
            8 => FlowAction.DecTtl,
            9 when ipv4 => FlowAction.SetField(value % 2 == 0 ? MatchField.Ipv4Src : MatchField.Ipv4Dst, Fill(4, value)),
            9 => FlowAction.SetField(value % 2 == 0 ? MatchField.Ipv6Src : MatchField.Ipv6Dst, Fill(16, value)),
            10 when tcp => FlowAction.SetField(value % 2 == 0 ? MatchField.TcpSrc : MatchField.TcpDst, Fill(2, value)),
            10 when (meta.Kinds & PacketKinds.Udp) != 0 =>
                FlowAction.SetField(value % 2 == 0 ? MatchField.UdpSrc : MatchField.UdpDst, Fill(2, value)),
            _ => null,
        };
    }

    // 0x00 and 0xFF throughout are the values that the two zeros of one's complement meet in.
    private static byte[] Fill(int length, byte value) =>
        [.. Enumerable.Range(0, length).Select(i => value is 0 or 0xFF ? value : (byte)(value * (i + 1)))];

    /// <summary>Makes, or checks, the checksums that cover bytes of this frame alone: not those of fragments.</summary>
    private static bool Checksums(byte[] frame, in PacketMeta meta, bool fill)
    {
        Span<byte> packet = frame.AsSpan(meta.L3Offset);
        uint pseudo;
        Span<byte> segment;
        if (MutableIpv4View.TryParse(packet, out MutableIpv4View ipv4) && (meta.Kinds & PacketKinds.Ipv4) != 0)
        {
            if (fill)
                ipv4.FillChecksum();
            if (!ipv4.View.IsChecksumValid)
                return false;
            pseudo = ipv4.View.PseudoHeaderSum;
            segment = ipv4.Payload;
        }
        else if ((meta.Kinds & PacketKinds.Ipv6) != 0 && Ipv6View.TryParse(packet, out Ipv6View ipv6) && meta.L4Offset != 0
            && (BinaryPrimitives.ReadUInt16BigEndian(Bytes(meta.Key)[FlowKeyLayout.Ipv6ExtHdr..]) & 32) == 0)
        {
            // A routing header means another destination in the pseudo header (RFC 8200 8.1): its own tests have that.
            segment = packet[..ipv6.Bytes.Length][(meta.L4Offset - meta.L3Offset)..];
            pseudo = ipv6.PseudoHeaderSum(Bytes(meta.Key)[FlowKeyLayout.IpProto], segment.Length);
        }
        else
        {
            return true;
        }
        return meta.L4Offset == 0 || (meta.Kinds & PacketKinds.Fragment) != 0 || Transport(segment, pseudo, meta.Kinds, fill);
    }

    private static bool Transport(Span<byte> segment, uint pseudo, PacketKinds kinds, bool fill)
    {
        if ((kinds & PacketKinds.Tcp) != 0 && MutableTcpView.TryParse(segment, out MutableTcpView tcp))
        {
            if (fill)
                tcp.FillChecksum(pseudo);
            return TcpView.TryParse(segment, out TcpView read) && read.IsChecksumValid(pseudo);
        }
        if ((kinds & PacketKinds.Udp) != 0 && MutableUdpView.TryParse(segment, out MutableUdpView udp))
        {
            if (fill)
                udp.FillChecksum(pseudo);
            return UdpView.TryParse(segment, out UdpView read) && read.IsChecksumValid(pseudo, allowAbsent: false);
        }
        if ((kinds & PacketKinds.Icmp) != 0 && (kinds & PacketKinds.Ipv6) != 0)
        {
            if (fill)
            {
                segment[2..4].Clear();
                BinaryPrimitives.WriteUInt16BigEndian(segment[2..], Checksum.Compute(segment, pseudo));
            }
            return Checksum.IsValid(segment, pseudo);
        }
        return true;
    }

    /// <summary>A flow of apply-actions as the tables keep it.</summary>
    private sealed class CompiledFlow : IDisposable
    {
        private readonly ActionOp* _ops;

        internal CompiledFlow(List<FlowAction> actions)
        {
            byte[] spec = new FlowSpec { Priority = 1, ApplyActions = actions }.Encode();
            Require(FlowSpecDecoder.TryReadHeader(spec, out FlowSpecHeader head), "an encoded flow has no head");
            ReadOnlySpan<byte> section = FlowSpecDecoder.Apply(spec, head);
            int count = ActionCompiler.Count(section);
            _ops = (ActionOp*)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(ActionOp));
            Entry = (FlowEntry*)NativeMemory.AllocZeroed((nuint)sizeof(FlowEntry));
            Require(ActionCompiler.Compile(section, new Span<ActionOp>(_ops, count)) == count, "an action is not compiled");
            Entry->Apply = _ops;
            Entry->ApplyCount = (ushort)count;
        }

        internal FlowEntry* Entry { get; }

        public void Dispose()
        {
            NativeMemory.Free(_ops);
            NativeMemory.Free(Entry);
        }
    }
}
