using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace KernelBypass.Wire;

/// <summary>IP addresses between text and the integers that views use: host order, first byte on the wire highest.</summary>
public static class AddressText
{
    /// <summary>Parses dotted IPv4. Throws <see cref="FormatException"/>.</summary>
    public static uint ParseIpv4(string text)
    {
        if (!IPAddress.TryParse(text, out IPAddress? address) || address.AddressFamily != AddressFamily.InterNetwork)
            throw new FormatException($"'{text}' is not an IPv4 address: write it as 192.0.2.1");
        return BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());
    }

    /// <summary>Parses an IPv6 address. Throws <see cref="FormatException"/>.</summary>
    public static UInt128 ParseIpv6(string text)
    {
        if (!IPAddress.TryParse(text, out IPAddress? address) || address.AddressFamily != AddressFamily.InterNetworkV6)
            throw new FormatException($"'{text}' is not an IPv6 address: write it as 2001:db8::1");
        return BinaryPrimitives.ReadUInt128BigEndian(address.GetAddressBytes());
    }

    /// <summary>Dotted decimal.</summary>
    public static string FormatIpv4(uint address) =>
        $"{address >> 24}.{(address >> 16) & 255}.{(address >> 8) & 255}.{address & 255}";

    /// <summary>The shortened form of RFC 5952.</summary>
    public static string FormatIpv6(UInt128 address)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, address);
        return new IPAddress(bytes).ToString();
    }
}
