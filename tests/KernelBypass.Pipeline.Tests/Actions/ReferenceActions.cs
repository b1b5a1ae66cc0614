using KernelBypass.Model.Flows;
using KernelBypass.Wire;

namespace KernelBypass.Pipeline.Tests.Actions;

/// <summary>
/// Actions once more, slow and safe: each changes bytes through KernelBypass.Wire's views, and every checksum is computed anew from
/// the whole packet at the end.
/// </summary>
internal sealed class ReferenceActions(byte[] frame)
{
    private byte[] _frame = frame;

    /// <summary>The frame after the actions; null when a TTL would have reached zero.</summary>
    internal byte[]? Run(IEnumerable<FlowAction> actions)
    {
        foreach (var action in actions)
        {
            switch (action.Kind)
            {
                case ActionKind.PushVlan:
                    var tci = Tags() > 0 ? _frame[14..16] : [0, 0];
                    _frame = [.. _frame[..12], action.Payload[1], action.Payload[0], .. tci, .. _frame[12..]];
                    break;
                case ActionKind.PopVlan:
                    if (Tags() > 0) _frame = [.. _frame[..12], .. _frame[16..]];
                    break;
                case ActionKind.DecTtl:
                    if (TtlOffset() is not { } ttl) break;
                    if (_frame[ttl] <= 1) return null;
                    _frame[ttl]--;
                    break;
                case ActionKind.SetField:
                    Set((MatchField)action.Payload[0], action.Payload.AsSpan(1));
                    break;
            }
        }

        FillChecksums();
        return _frame;
    }

    private int Tags()
    {
        var tags = 0;
        while (BigEndianAt(12 + 4 * tags) is 0x8100 or 0x88a8) tags++;
        return tags;
    }

    private int BigEndianAt(int offset) => offset + 2 <= _frame.Length ? (_frame[offset] << 8) | _frame[offset + 1] : 0;

    private int L3 => 14 + 4 * Tags();

    private int EtherType => BigEndianAt(L3 - 2);

    private int? TtlOffset() => EtherType == 0x0800 ? L3 + 8 : EtherType == 0x86dd ? L3 + 7 : null;

    private void Set(MatchField field, ReadOnlySpan<byte> value)
    {
        var (v4, v6) = (EtherType == 0x0800, EtherType == 0x86dd);
        var l3 = _frame.AsSpan(L3);
        switch (field)
        {
            case MatchField.EthDst: value.CopyTo(_frame); break;
            case MatchField.EthSrc: value.CopyTo(_frame.AsSpan(6)); break;
            case MatchField.VlanVid when Tags() > 0:
                _frame[14] = (byte)((_frame[14] & 0xf0) | (value[0] & 0x0f));
                _frame[15] = value[1];
                break;
            case MatchField.VlanPcp when Tags() > 0: _frame[14] = (byte)((_frame[14] & 0x1f) | (value[0] << 5)); break;
            case MatchField.IpTtl when TtlOffset() is { } ttl: _frame[ttl] = value[0]; break;
            case MatchField.IpDscp when v4 && MutableIpv4View.TryParse(l3, out var ip): ip.SetDscp(value[0]); break;
            case MatchField.IpDscp when v6 && MutableIpv6View.TryParse(l3, out var ip): ip.SetDscp(value[0]); break;
            case MatchField.IpEcn when v4 && MutableIpv4View.TryParse(l3, out var ip): ip.SetEcn(value[0]); break;
            case MatchField.IpEcn when v6 && MutableIpv6View.TryParse(l3, out var ip): ip.SetEcn(value[0]); break;
            case MatchField.Ipv4Src when v4: value.CopyTo(l3[12..]); break;
            case MatchField.Ipv4Dst when v4: value.CopyTo(l3[16..]); break;
            case MatchField.Ipv6Src when v6: value.CopyTo(l3[8..]); break;
            case MatchField.Ipv6Dst when v6: value.CopyTo(l3[24..]); break;
            case MatchField.TcpSrc or MatchField.UdpSrc or MatchField.TcpDst or MatchField.UdpDst:
                var l4 = L4(out var protocol);
                if (!l4.IsEmpty && protocol is 6 or 17) value.CopyTo(l4[(field is MatchField.TcpSrc or MatchField.UdpSrc ? 0 : 2)..]);
                break;
        }
    }

    /// <summary>The L4 bytes of an unfragmented packet without extension headers, which is all that these tests make.</summary>
    private Span<byte> L4(out int protocol)
    {
        var l3 = _frame.AsSpan(L3);
        protocol = 0;
        if (EtherType == 0x0800 && MutableIpv4View.TryParse(l3, out var ip))
        {
            protocol = ip.View.Protocol;
            return ip.Payload;
        }

        if (EtherType != 0x86dd || !MutableIpv6View.TryParse(l3, out var ip6)) return default;
        protocol = ip6.View.NextHeader;
        return ip6.Payload;
    }

    private void FillChecksums()
    {
        var l3 = _frame.AsSpan(L3);
        var l4 = L4(out var protocol);
        uint pseudo;
        if (EtherType == 0x0800 && MutableIpv4View.TryParse(l3, out var ip))
        {
            ip.FillChecksum();
            pseudo = ip.View.PseudoHeaderSum;
        }
        else if (EtherType == 0x86dd && MutableIpv6View.TryParse(l3, out var ip6))
        {
            pseudo = ip6.View.PseudoHeaderSum((byte)protocol, l4.Length);
        }
        else
        {
            return;
        }

        var offset = protocol switch { 6 => 16, 17 => 6, 58 => 2, _ => -1 };
        if (offset < 0 || (protocol == 17 && l4[6] == 0 && l4[7] == 0)) return;
        l4.Slice(offset, 2).Clear();
        var sum = Checksum.Compute(l4, pseudo);
        if (protocol == 17 && sum == 0) sum = 0xffff;
        (l4[offset], l4[offset + 1]) = ((byte)(sum >> 8), (byte)sum);
    }
}
