using System.Runtime.InteropServices;
using KernelBypass.Fuzz.Tests.Harness;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Wire;
using static KernelBypass.Fuzz.Tests.Targets.WireTargets;

namespace KernelBypass.Fuzz.Tests.Targets;

/// <summary>The packet parser of the data plane, which reads by pointer: next to a guard page, against a second parser.</summary>
internal static unsafe class PipelineTargets
{
    private const uint InPort = 0x0102_0304;
    private const byte Unwritten = 0xEE;

    // Bits of ipv6_exthdr that say that headers repeat or stand in an unexpected order; the reference does not judge that.
    private const int OrderBits = 0x0180;

    /// <summary>The verdict, every byte of the key and the offsets are those of the reference; the hash is symmetric.</summary>
    internal static FuzzTarget Parser { get; } = new("packet-parser", Frames, Tokens, 60_000, input =>
    {
        ParserVerdict verdict = Parse(input, input.Length, KeyWordDemand.All, out PacketMeta meta);
        byte[] expected = new byte[FlowKeyLayout.Bytes];
        var reference = new ReferenceParser(input, InPort, expected);
        bool sound = reference.Run();
        Require(sound == (verdict == ParserVerdict.Ok), $"the verdict is {verdict}, the reference's: sound {sound}");
        ulong path = (ulong)verdict;
        if (sound)
        {
            Compare(meta, expected, reference, FlowKeyLayout.Words);
            ParserVerdict withFewer = Parse(input, input.Length, neededWords: 0, out PacketMeta fewer);
            Require(withFewer == verdict, "the verdict depends on the words needed");
            Compare(fewer, expected, reference, (meta.Kinds & PacketKinds.Ipv4) != 0 ? 7 : FlowKeyLayout.Words);
            Require(fewer.Hash == meta.Hash, "the hash depends on the words needed");
            HashIsSymmetric(input, meta);
            path += ((ulong)meta.Kinds << 8) + ((ulong)meta.VlanTags << 16) + ((ulong)meta.Key.Bytes[FlowKeyLayout.IpFrag] << 24)
                + ((ulong)meta.Key.Bytes[FlowKeyLayout.IpProto] << 32) + ((ulong)meta.L4Offset << 40);
        }

        // The first segment of a longer frame: nothing past it may be read, and a sound verdict needs no more than is there.
        _ = Parse(input, input.Length + 100, KeyWordDemand.All, out _);
        return path;
    });

    private static ParserVerdict Parse(ReadOnlySpan<byte> input, int length, uint neededWords, out PacketMeta result)
    {
        PacketMeta meta;
        new Span<byte>(&meta, sizeof(PacketMeta)).Fill(Unwritten);
        meta.InPort = InPort;
        fixed (byte* data = input)
        {
            ParserVerdict verdict = Pipeline.Packets.Parser.Parse(data, input.Length, length, &meta, neededWords);
            result = meta;
            return verdict;
        }
    }

    private static void Compare(in PacketMeta meta, byte[] expected, in ReferenceParser reference, int words)
    {
        byte[] actual = MemoryMarshal.AsBytes((ReadOnlySpan<ulong>)meta.Key).ToArray();
        actual[FlowKeyLayout.Ipv6ExtHdr] &= unchecked((byte)~(OrderBits >> 8));
        actual[FlowKeyLayout.Ipv6ExtHdr + 1] &= unchecked((byte)~OrderBits);
        for (int i = 0; i < words * sizeof(ulong); i++)
            Require(actual[i] == expected[i], $"byte {i} of the key is {actual[i]:x2}, the reference has {expected[i]:x2}");
        Require(meta.Kinds == reference.Kinds, $"kinds are {meta.Kinds}, the reference has {reference.Kinds}");
        Require(meta.L3Offset == reference.L3Offset && meta.L4Offset == reference.L4Offset,
            $"offsets are {meta.L3Offset} and {meta.L4Offset}, the reference has {reference.L3Offset} and {reference.L4Offset}");
        Require(meta.VlanTags == reference.Tags, "the number of tags differs");
    }

    // Both directions of a connection must meet on one lcore.
    private static void HashIsSymmetric(ReadOnlySpan<byte> input, in PacketMeta meta)
    {
        if ((meta.Kinds & PacketKinds.Ipv4) == 0 || (meta.Kinds & (PacketKinds.Tcp | PacketKinds.Udp)) == 0)
            return;
        byte[] back = input.ToArray();
        Require(MutableIpv4View.TryParse(back.AsSpan(meta.L3Offset), out MutableIpv4View ip), "the reference took no IPv4");
        (uint source, uint destination) = (ip.View.Source, ip.View.Destination);
        ip.SetSource(destination);
        ip.SetDestination(source);
        Span<byte> ports = back.AsSpan(meta.L4Offset, 4);
        (ports[0], ports[1], ports[2], ports[3]) = (ports[2], ports[3], ports[0], ports[1]);
        Require(Parse(back, back.Length, KeyWordDemand.All, out PacketMeta other) == ParserVerdict.Ok && other.Hash == meta.Hash,
            "the hash of the other direction differs");
    }
}
