using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using KernelBypass.Dpdk;
using KernelBypass.Model.Declarations;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Stages.Parse;

/// <summary>
/// Reads each packet's headers into its meta: flow key, offsets, kinds, hash. Drops what is malformed, each by its reason.
/// </summary>
public sealed unsafe class ParseStage : Stage
{
    private const string VerifyIpv4Option = "verify_ipv4_checksum";
    private const string VerifyL4Option = "verify_l4_checksum";
    private const int PrefetchDistance = 4;

    private static readonly MetricDeclaration s_pullups = new(
        "kernelbypass_parse_pullups", "{packet}", "Packets whose headers were gathered from several buffer segments.", MetricKind.Counter);

    private static readonly MetricDeclaration s_deepTags = new(
        "kernelbypass_parse_deep_vlan_packets", "{packet}", "Packets with more VLAN tags than the two in the flow key.", MetricKind.Counter);

    private readonly KeyWordDemand _demand;
    private readonly bool _verifyIpv4;
    private readonly bool _verifyL4;
    private readonly ulong* _pullupCount;
    private readonly ulong* _deepTagCount;

    /// <summary>Kind, options and drop reasons of the stage.</summary>
    public static StageDeclaration Declared { get; } = new(
        "parse",
        "Parses Ethernet, VLAN, ARP, IPv4, IPv6, TCP, UDP, ICMP and ICMPv6 headers into the flow key.",
        [
            new(VerifyIpv4Option, 0, 0, 1, "1: drop IPv4 packets whose header checksum is wrong; the device's verdict counts where it has one."),
            new(VerifyL4Option, 0, 0, 1, "1: drop packets whose TCP or UDP checksum the device found wrong; without such a device nothing is dropped."),
        ],
        ParserDropReasons.All,
        [s_pullups, s_deepTags]);

    /// <summary>One instance for each lcore.</summary>
    public ParseStage(StageContext context, KeyWordDemand demand)
        : base(Declared, context)
    {
        ArgumentNullException.ThrowIfNull(context);
        _demand = demand;
        _verifyIpv4 = context.Option(VerifyIpv4Option) != 0;
        _verifyL4 = context.Option(VerifyL4Option) != 0;
        _pullupCount = context.Counter(s_pullups.Name);
        _deepTagCount = context.Counter(s_deepTags.Name);
    }

    /// <inheritdoc/>
    public override void Process(ref Burst burst)
    {
        var packets = (Mbuf*)burst.Packets;
        var count = burst.Count;
        var kept = 0;
        var words = _demand.Words;
        for (var i = 0; i < Math.Min(count, PrefetchDistance); i++) Prefetch(packets[i]);
        for (var i = 0; i < count; i++)
        {
            if (i + PrefetchDistance < count) Prefetch(packets[i + PrefetchDistance]);
            var packet = packets[i];
            var verdict = ParseOne(packet, words);
            if (verdict == ParserVerdict.Ok)
                packets[kept++] = packet;
            else
                Context.Drop(packet.Pointer, ParserDropReasons.Index(verdict));
        }

        burst.Count = kept;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(Mbuf packet)
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch0(packet.Data);
        Sse.Prefetch0(packet.PrivateArea);
        Sse.Prefetch0((byte*)packet.PrivateArea + 128);
    }

    private ParserVerdict ParseOne(Mbuf packet, uint words)
    {
        var meta = (PacketMeta*)packet.PrivateArea;
        var flags = packet.Flags;
        if ((flags & (MbufFlags.RxVlanStripped | MbufFlags.RxQinQStripped)) != 0 && !StrippedTags.Restore(packet))
            return ParserVerdict.VlanNoHeadroom;
        var length = packet.PacketLength;
        var verdict = Parser.Parse(packet.Data, packet.DataLength, (int)length, meta, words);
        if (verdict != ParserVerdict.Ok)
        {
            if (packet.DataLength == length) return verdict;
            verdict = ParseSplit(packet, words);
            if (verdict != ParserVerdict.Ok) return verdict;
        }

        if ((flags & MbufFlags.RxRssHash) != 0) meta->Hash = packet.RssHash;
        if (meta->L3Offset > Parser.EthernetBytes + 2 * Parser.TagBytes) ++*_deepTagCount;
        if (_verifyIpv4 && !HeaderChecksum.IsIpv4Good(packet.Data, meta, flags)) return ParserVerdict.Ipv4BadChecksum;
        return _verifyL4 && (flags & MbufFlags.RxL4ChecksumMask) == MbufFlags.RxL4ChecksumBad ? ParserVerdict.L4BadChecksum : ParserVerdict.Ok;
    }

    /// <summary>Headers may be in later segments: gathers what fits in the first one and parses again.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ParserVerdict ParseSplit(Mbuf packet, uint words)
    {
        var meta = (PacketMeta*)packet.PrivateArea;
        var gathered = SegmentGatherer.PullUp(packet);
        if (gathered) ++*_pullupCount;
        var verdict = gathered
            ? Parser.Parse(packet.Data, packet.DataLength, (int)packet.PacketLength, meta, words)
            : ParserVerdict.HeadersSplit;
        return verdict;
    }
}
