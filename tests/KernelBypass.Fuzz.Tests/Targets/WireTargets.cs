using System.Text;
using KernelBypass.Fuzz.Tests.Harness;
using KernelBypass.Wire;
using KernelBypass.Wire.Tests;

namespace KernelBypass.Fuzz.Tests.Targets;

/// <summary>Everything of KernelBypass.Wire that reads bytes or text from outside.</summary>
internal static class WireTargets
{
    private static readonly byte[][] s_tokens =
    [
        [0x81, 0x00], [0x88, 0xA8], [0x91, 0x00], [0x08, 0x00], [0x86, 0xDD], [0x08, 0x06], [0x45, 0x00], [0x4F, 0x00],
        [0x60, 0x00], [0], [6], [17], [1], [58], [43, 0], [44, 0], [51, 1], [60, 0], [0, 0, 5, 2, 0, 0, 1, 0], [2, 4, 5, 180],
        [5, 10], [8, 10], [34, 2], [1, 1, 2, 0, 0, 0, 0, 1], [3, 4], [5, 1, 0, 0, 0, 0, 5, 220], [133, 0], [134, 0],
        [135, 0], [136, 0],
    ];

    internal static IReadOnlyList<byte[]> Frames { get; } = [.. Samples.All().Select(s => s.Frame)];

    internal static IReadOnlyList<byte[]> Tokens => s_tokens;

    /// <summary>Every view, iterator and walk at every offset where a layer may begin.</summary>
    internal static FuzzTarget Views { get; } = new("wire-views", Frames, s_tokens, 40_000, input =>
    {
        foreach (int offset in (ReadOnlySpan<int>)[0, 14, 18, 22, 34, 54])
        {
            if (offset <= input.Length)
                ViewReader.ReadAll(input[offset..]);
        }
        return FuzzPath.OfShape(FrameDissector.Describe(input));
    });

    /// <summary>One readable line for any bytes.</summary>
    internal static FuzzTarget Dissector { get; } = new("wire-dissector", Frames, s_tokens, 60_000, input =>
    {
        string line = FrameDissector.Describe(input);
        foreach (char c in line)
            Require(c is >= ' ' and < (char)127, $"the line has character {(int)c}");
        return FuzzPath.OfShape(line);
    });

    /// <summary>A packet that is accepted can be changed and completed: its checksums hold then, and its length stays.</summary>
    internal static FuzzTarget Mutable { get; } = new("wire-mutable", Frames, s_tokens, 60_000, input =>
    {
        byte[] copy = input.ToArray();
        if (!VlanStack.TryParse(copy, out VlanStack tags, out _))
            return 1;
        Span<byte> packet = copy.AsSpan(tags.PayloadOffset);
        Require(Ipv4View.TryParse(packet, out _) == MutableIpv4View.TryParse(packet, out MutableIpv4View ip), "views differ");
        if (!Ipv4View.TryParse(packet, out Ipv4View before))
            return 2;
        ip.SetTtl(7);
        ip.SetDscp(1);
        ip.FillChecksum();
        Require(ip.View.IsChecksumValid && ip.View.Bytes.Length == before.Bytes.Length, "a filled IPv4 checksum is invalid");
        uint pseudo = ip.View.PseudoHeaderSum;
        if (MutableTcpView.TryParse(ip.Payload, out MutableTcpView tcp))
        {
            tcp.FillChecksum(pseudo);
            Require(TcpView.TryParse(ip.Payload, out TcpView read) && read.IsChecksumValid(pseudo),
                "a filled TCP checksum is invalid");
        }
        if (MutableUdpView.TryParse(ip.Payload, out MutableUdpView udp))
        {
            udp.FillChecksum(pseudo);
            Require(UdpView.TryParse(ip.Payload, out UdpView read) && read.Checksum != 0
                && read.IsChecksumValid(pseudo, allowAbsent: false), "a filled UDP checksum is invalid");
        }
        return (ulong)(3 + before.Protocol + (before.HeaderLength << 8));
    });

    /// <summary>All forms of the sum agree.</summary>
    internal static FuzzTarget Sums { get; } = new("wire-checksum", Frames, s_tokens, 60_000, input =>
    {
        uint expected = Checksum.SumReference(input);
        Require(expected == Checksum.SumScalar(input) && expected == Checksum.SumVector(input) && expected == Checksum.Sum(input),
            "the sums differ");
        var pieces = new ChecksumAccumulator(0);
        pieces.Add(input[..(input.Length / 3)]);
        pieces.Add(input[(input.Length / 3)..]);
        Require(pieces.Finish() == Checksum.Compute(input), "the sum of pieces differs");
        return (ulong)(input.Length & 63);
    });

    /// <summary>A capture file: read to its end, or refused with <see cref="InvalidDataException"/>.</summary>
    internal static FuzzTarget Pcap { get; } = new("wire-pcap",
        [CaptureFile()], [[0xA1, 0xB2, 0xC3, 0xD4], [0x4D, 0x3C, 0xB2, 0xA1]], 40_000, input =>
        {
            ulong records = 0;
            try
            {
                using var reader = new PcapReader(new MemoryStream(input.ToArray()));
                while (reader.TryRead(out PcapRecord record))
                {
                    Require(record.Data.Length <= input.Length, "a record is longer than its file");
                    records++;
                }
                return records;
            }
            catch (InvalidDataException error)
            {
                return records + FuzzPath.OfShape(error.Message);
            }
        });

    /// <summary>Addresses as text: a value that is written as it was read, or <see cref="FormatException"/>.</summary>
    internal static FuzzTarget Addresses { get; } = new("wire-addresses",
        Texts("02:00:00:00:00:01", "10.0.0.1", "2001:db8::1", "fe80::1%lo", "::ffff:1.2.3.4"),
        Texts(":", "::", ".", "-", "%", "0x", "255", "ffff"), 60_000,
        input =>
        {
            string text = Encoding.Latin1.GetString(input);
            ulong path = 0;
            if (MacAddress.TryParse(text, out MacAddress mac))
            {
                Require(MacAddress.Parse(mac.ToString()) == mac, "a MAC address does not round-trip");
                path |= 1;
            }
            path |= Accepts(() => Require(AddressText.ParseIpv4(text) is uint v4
                && AddressText.ParseIpv4(AddressText.FormatIpv4(v4)) == v4, "an IPv4 address does not round-trip")) ? 2u : 0;
            path |= Accepts(() => Require(AddressText.ParseIpv6(text) is UInt128 v6
                && AddressText.ParseIpv6(AddressText.FormatIpv6(v6)) == v6, "an IPv6 address does not round-trip")) ? 4u : 0;
            return path;
        }, MaxLength: 64);

    internal static void Require(bool holds, string what)
    {
        if (!holds)
            throw new InvalidOperationException(what);
    }

    /// <summary>False when the text is refused with <see cref="FormatException"/>, the one exception that is allowed.</summary>
    internal static bool Accepts(Action parse)
    {
        try
        {
            parse();
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static byte[][] Texts(params string[] texts) => [.. texts.Select(Encoding.Latin1.GetBytes)];

    private static byte[] CaptureFile()
    {
        var stream = new MemoryStream();
        using (var writer = new PcapWriter(stream))
        {
            writer.Write(1_000_000_001, Frames[0]);
            writer.Write(1_000_000_002, Frames[1], 1500);
        }
        return stream.ToArray();
    }
}
