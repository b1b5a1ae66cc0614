using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Tests.Parse;
using KernelBypass.Wire;

namespace KernelBypass.Pipeline.Tests.Actions;

/// <summary>Random frames, random lists of actions: the executor does what the reference does, and the key follows the packet.</summary>
public unsafe class ActionPropertyTests
{
    [Fact]
    public void The_executor_does_what_the_reference_does()
    {
        using var rig = new ActionRig();
        for (var seed = 0; seed < 4000; seed++)
        {
            var random = new Random(seed);
            var frame = Frame(random);
            var actions = Actions(random, frame).ToList();
            var expected = new ReferenceActions([.. frame]).Run(actions);
            var outputs = rig.Run(frame, (nint)rig.Apply([.. actions, FlowAction.Output(2)]));
            var actual = outputs.Length == 0 ? null : outputs[0].Frame;
            Assert.True(
                Hex(expected) == Hex(actual),
                $"seed {seed}: {string.Join(", ", actions.Select(a => $"{a.Kind} {Convert.ToHexString(a.Payload)}"))}"
                + $"\n{Hex(frame)}\n{Hex(expected)}\n{Hex(actual)}");
        }
    }

    [Fact]
    public void The_rewritten_key_is_the_key_of_the_rewritten_packet()
    {
        var compared = 0;
        using var rig = new ActionRig();
        for (var seed = 0; seed < 4000; seed++)
        {
            var random = new Random(seed);
            var frame = Frame(random);
            var actions = Actions(random, frame).ToList();
            var flow = rig.Apply([.. actions, FlowAction.Output(2)]);
            var meta = ParseRig.Parse(frame).Meta;

            // The key has two tags: a third one is not known when others are popped (see KeyRewriter).
            if ((meta.L3Offset - 14) / 4 + actions.Count(a => a.Kind == ActionKind.PushVlan) > 2) continue;
            compared++;
            Assert.True(KernelBypass.Pipeline.Actions.KeyRewriter.Apply(flow, &meta.Key));
            var outputs = rig.Run(frame, (nint)flow);
            if (outputs.Length == 0) continue; // expired: the walk has gone on, the packet has not
            var parsed = ParseRig.Parse(outputs[0].Frame).Meta;
            Assert.True(parsed.Key.Bytes.SequenceEqual(meta.Key.Bytes), $"seed {seed}: {Hex(parsed.Key.Bytes)} {Hex(meta.Key.Bytes)}");
        }

        Assert.True(compared > 1000, $"only {compared} frames were compared");
    }

    [Fact]
    public void Write_metadata_and_drop_in_the_key_rewriter()
    {
        using var rig = new ActionRig();
        var flow = rig.Flow(new FlowSpec { MetadataValue = 0x1200, MetadataMask = 0xff00, GotoTable = 1 });
        FlowKey key = default;
        key.Bytes[FlowKeyLayout.Metadata + 7] = 0x34;
        key.Bytes[FlowKeyLayout.Metadata + 6] = 0x99;
        Assert.True(KernelBypass.Pipeline.Actions.KeyRewriter.Apply(flow, &key));
        Assert.Equal(new byte[] { 0x12, 0x34 }, key.Bytes[(FlowKeyLayout.Metadata + 6)..(FlowKeyLayout.Metadata + 8)].ToArray());
        Assert.False(KernelBypass.Pipeline.Actions.KeyRewriter.Apply(rig.Apply(FlowAction.Drop), &key));
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexString(bytes);

    private static byte[] Frame(Random random)
    {
        var frame = FrameBuilder.Ethernet(new MacAddress((ulong)random.NextInt64()), new MacAddress((ulong)random.NextInt64()));
        for (var tags = random.Next(4); tags > 0; tags--)
        {
            var tpid = random.Next(2) == 0 ? (ushort)0x8100 : (ushort)0x88a8;
            frame.Vlan(random.Next(4095), random.Next(8), random.Next(2) == 0, tpid);
        }

        var v6 = random.Next(2) == 0;
        var ttl = (byte)random.Next(5);
        frame = v6
            ? frame.Ipv6(new Ipv6Header { Source = Wide(random), Destination = Wide(random), HopLimit = ttl, Dscp = (byte)random.Next(64) })
            : frame.Ipv4(new Ipv4Header { Source = (uint)random.Next(), Destination = (uint)random.Next(), Ttl = ttl, Dscp = (byte)random.Next(64) });
        frame = random.Next(3) switch
        {
            0 => frame.Tcp((ushort)random.Next(65536), (ushort)random.Next(65536)),
            1 => frame.Udp((ushort)random.Next(65536), (ushort)random.Next(65536), v6 || random.Next(3) > 0),
            _ => v6 ? frame.Icmpv6(new IcmpHeader(128, 0, 9)) : frame.Icmpv4(new IcmpHeader(8, 0, 9)),
        };
        return frame.PayloadLength(random.Next(60)).Build();
    }

    private static UInt128 Wide(Random random) => new((ulong)random.NextInt64(), (ulong)random.NextInt64());

    /// <summary>Actions that a flow for this frame could have: addresses and ports of the packet's own kind.</summary>
    private static IEnumerable<FlowAction> Actions(Random random, byte[] frame)
    {
        var kinds = ParseRig.Parse(frame).Meta.Kinds;
        MatchField[] any =
        [
            MatchField.EthDst, MatchField.EthSrc, MatchField.VlanVid, MatchField.VlanPcp, MatchField.IpDscp, MatchField.IpEcn,
            MatchField.IpTtl,
        ];
        MatchField[] ip = kinds.HasFlag(PacketKinds.Ipv4) ? [MatchField.Ipv4Src, MatchField.Ipv4Dst] : [MatchField.Ipv6Src, MatchField.Ipv6Dst];
        MatchField[] l4 = kinds.HasFlag(PacketKinds.Tcp) ? [MatchField.TcpSrc, MatchField.TcpDst]
            : kinds.HasFlag(PacketKinds.Udp) ? [MatchField.UdpSrc, MatchField.UdpDst] : [];
        MatchField[] fields = [.. any, .. ip, .. l4];
        var pushed = 0;
        for (var count = random.Next(1, 8); count > 0; count--)
        {
            switch (random.Next(6))
            {
                case 0 when pushed < 1:
                    pushed++;
                    yield return FlowAction.PushVlan(random.Next(2) == 0 ? (ushort)0x8100 : (ushort)0x88a8);
                    break;
                case 1:
                    yield return FlowAction.PopVlan;
                    break;
                case 2:
                    yield return FlowAction.DecTtl;
                    break;
                default:
                    var field = MatchFieldCatalogue.Find(fields[random.Next(fields.Length)])!;
                    var value = new byte[field.ValueBytes];
                    random.NextBytes(value);
                    value[0] &= (byte)(0xff >> (field.ValueBytes * 8 - field.Bits));
                    if (field.Id == MatchField.VlanVid) value[0] |= 0x10;
                    yield return FlowAction.SetField(field.Id, value);
                    break;
            }
        }
    }
}
