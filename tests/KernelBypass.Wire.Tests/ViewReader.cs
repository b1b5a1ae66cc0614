namespace KernelBypass.Wire.Tests;

/// <summary>
/// Reads every accessor of every view that accepts some bytes: what must never throw. The number returned depends on all that was
/// read, so that no read is optimised away.
/// </summary>
internal static class ViewReader
{
    internal static ulong ReadAll(ReadOnlySpan<byte> bytes) =>
        Link(bytes) + Ipv4(bytes) + Ipv6(bytes) + Tcp(bytes) + Udp(bytes) + Icmp(bytes) + Neighbor(bytes) + Options(bytes);

    private static ulong Link(ReadOnlySpan<byte> bytes)
    {
        ulong sum = 0;
        if (EthernetView.TryParse(bytes, out EthernetView e))
            sum += e.Destination.Value + e.Source.Value + e.EtherType + (e.IsLlc ? 1u : 0)
                + (uint)(e.Payload.Length + e.Bytes.Length);
        if (VlanStack.TryParse(bytes, out VlanStack v, out _))
        {
            for (int i = 0; i < v.Count; i++)
                sum += v[i].Tpid + (uint)v[i].Id + v[i].Priority + (v[i].DropEligible ? 1u : 0);
            sum += v.EtherType + (uint)bytes[v.PayloadOffset..].Length;
        }
        if (ArpView.TryParse(bytes, out ArpView a))
            sum += a.Operation + a.SenderMac.Value + a.SenderIp + a.TargetMac.Value + a.TargetIp;
        return sum;
    }

    private static ulong Ipv4(ReadOnlySpan<byte> bytes)
    {
        ulong sum = 0;
        if (Ipv4View.TryParse(bytes, out Ipv4View ip))
            sum += Ipv4(ip);
        if (Ipv4View.TryParseTruncated(bytes, out ip, out _))
            sum += Ipv4(ip);
        return sum;
    }

    private static ulong Ipv4(Ipv4View ip)
    {
        ulong sum = (ulong)Ipv4Header.From(ip).GetHashCode() + ip.Checksum + (ip.IsChecksumValid ? 1u : 0) + (uint)ip.TotalLength;
        sum += (ip.IsFragment ? 1u : 0) + (uint)ip.Payload.Length + (uint)ip.Bytes.Length + ip.PseudoHeaderSum;
        Ipv4OptionIterator options = ip.Options;
        while (options.MoveNext())
            sum += options.Type + (uint)options.Data.Length;
        return sum + (ulong)options.Error;
    }

    private static ulong Ipv6(ReadOnlySpan<byte> bytes)
    {
        ulong sum = 0;
        if (Ipv6View.TryParse(bytes, out Ipv6View ip))
            sum += Ipv6(ip);
        if (Ipv6View.TryParseTruncated(bytes, out ip, out _))
            sum += Ipv6(ip);
        return sum;
    }

    private static ulong Ipv6(Ipv6View ip)
    {
        ulong sum = (ulong)Ipv6Header.From(ip).GetHashCode() + (uint)ip.PayloadLength + (uint)ip.Payload.Length;
        sum += ip.PseudoHeaderSum(6, ip.Payload.Length);
        var headers = new Ipv6ExtensionIterator(ip);
        int count = 0;
        while (headers.MoveNext())
        {
            Assert.True(++count <= Ipv6Extensions.MaxHeaders);
            sum += headers.Type + (uint)headers.Protocol + (uint)headers.Offset;
            var options = new Ipv6OptionIterator(headers.Bytes);
            while (options.MoveNext())
                sum += options.Type + (uint)options.Data.Length;
        }
        if (Ipv6Extensions.TryWalk(ip, out Ipv6Extensions walk, out ParseError error))
            sum += (uint)ip.Bytes[walk.PayloadOffset..].Length;
        Assert.Equal(headers.Error, error);
        return sum;
    }

    private static ulong Tcp(ReadOnlySpan<byte> bytes)
    {
        if (!TcpView.TryParse(bytes, out TcpView tcp))
            return 0;
        ulong sum = (ulong)TcpHeader.From(tcp).GetHashCode() + tcp.Checksum + (uint)tcp.Payload.Length + (uint)tcp.SequenceLength;
        return sum + (tcp.IsChecksumValid(0) ? 1u : 0) + Tcp(tcp.Options);
    }

    private static ulong Tcp(TcpOptionIterator options)
    {
        ulong sum = 0;
        while (options.MoveNext())
        {
            sum += options.MaximumSegmentSize + (uint)options.WindowScale + options.TimestampValue + options.TimestampEcho;
            sum += (uint)options.UserTimeoutSeconds + (uint)options.Data.Length;
            for (int i = 0; i < options.SackBlockCount; i++)
                sum += options.SackBlock(i).Left + options.SackBlock(i).Right;
        }
        return sum;
    }

    private static ulong Udp(ReadOnlySpan<byte> bytes) => !UdpView.TryParseTruncated(bytes, out UdpView udp, out _) ? 0
        : udp.SourcePort + (uint)udp.DestinationPort + (uint)udp.Length + (uint)udp.Payload.Length
            + (UdpView.TryParse(bytes, out _) ? 1u : 0) + (udp.IsChecksumValid(0, allowAbsent: true) ? 1u : 0);

    private static ulong Icmp(ReadOnlySpan<byte> bytes)
    {
        ulong sum = 0;
        if (Icmpv4View.TryParse(bytes, out Icmpv4View v4))
        {
            sum += v4.Type + (uint)v4.Code + v4.Checksum + v4.RestOfHeader + v4.Identifier + v4.Sequence + v4.NextHopMtu;
            sum += (uint)v4.Payload.Length + (v4.IsChecksumValid ? 1u : 0);
        }
        if (Icmpv6View.TryParse(bytes, out Icmpv6View v6))
        {
            sum += v6.Type + (uint)v6.Code + v6.Checksum + v6.RestOfHeader + v6.Identifier + v6.Sequence;
            sum += (uint)v6.Payload.Length + (uint)v6.Body.Length + (v6.IsChecksumValid(0) ? 1u : 0);
        }
        return sum;
    }

    private static ulong Neighbor(ReadOnlySpan<byte> bytes)
    {
        ulong sum = 0;
        if (NeighborMessageView.TryParse(bytes, out NeighborMessageView n, out _))
        {
            sum += (ulong)n.Target + (n.IsAdvertisement ? 1u : 0) + (n.IsRouter ? 1u : 0) + (n.IsSolicited ? 1u : 0);
            sum += (n.IsOverride ? 1u : 0) + Nd(n.Options);
        }
        if (RouterAdvertisementView.TryParse(bytes, out RouterAdvertisementView r, out _))
        {
            sum += r.CurrentHopLimit + (uint)r.RouterLifetimeSeconds + r.ReachableTimeMs + r.RetransmitTimerMs + Nd(r.Options);
            sum += (r.IsManaged ? 1u : 0) + (r.HasOtherConfiguration ? 1u : 0);
        }
        if (RouterSolicitationView.TryParse(bytes, out RouterSolicitationView s, out _))
            sum += Nd(s.Options);
        return sum;
    }

    private static ulong Nd(NdOptionIterator options)
    {
        ulong sum = 0;
        while (options.MoveNext())
            sum += options.LinkLayerAddress.Value + options.Mtu + (ulong)options.Prefix.GetHashCode() + (uint)options.Data.Length;
        return sum;
    }

    // The iterators take any bytes, not only those that a view hands them.
    private static ulong Options(ReadOnlySpan<byte> bytes)
    {
        ulong sum = Tcp(new TcpOptionIterator(bytes)) + Nd(new NdOptionIterator(bytes));
        var ipv4 = new Ipv4OptionIterator(bytes);
        while (ipv4.MoveNext())
            sum += ipv4.Type;
        var ipv6 = new Ipv6OptionIterator(bytes);
        while (ipv6.MoveNext())
            sum += ipv6.Type;
        return sum;
    }
}
