using System.Buffers.Binary;
using System.Numerics;
using KernelBypass.Model.Flows;
using Key = KernelBypass.Model.Flows.FlowKeyLayout;

namespace KernelBypass.Pipeline.Tables;

/// <summary>
/// The coarser mask under which a new tuple is made, so that later masks find room in it too: address prefixes are cut back
/// to whole bytes (shorter than a byte: left out), partly masked ports are left out. Exact fields stay.
/// </summary>
internal static class MaskRelaxation
{
    private static readonly (int Offset, int Bytes)[] s_prefixes =
    [
        (Key.Ipv4Src, 4), (Key.Ipv4Dst, 4), (Key.Ipv6Src, 16), (Key.Ipv6Dst, 16), (Key.NdTarget, 16), (Key.EthDst, 6),
            (Key.EthSrc, 6),
    ];

    private static readonly int[] s_ports = [Key.L4Src, Key.L4Dst];

    internal static void Relax(ref FlowKey mask)
    {
        var bytes = mask.Bytes;
        foreach (var (offset, length) in s_prefixes) RelaxPrefix(bytes.Slice(offset, length));
        foreach (var offset in s_ports)
        {
            // ICMP types and codes are exact in the low byte alone.
            var value = BinaryPrimitives.ReadUInt16BigEndian(bytes[offset..]);
            if (value is not (0xffff or 0x00ff)) BinaryPrimitives.WriteUInt16BigEndian(bytes[offset..], 0);
        }
    }

    private static void RelaxPrefix(Span<byte> field)
    {
        var whole = 0;
        while (whole < field.Length && field[whole] == 0xff) whole++;
        if (whole == field.Length || !IsPrefix(field, whole)) return;
        field[whole..].Clear();
    }

    private static bool IsPrefix(ReadOnlySpan<byte> field, int whole)
    {
        var ones = BitOperations.LeadingZeroCount((uint)(byte)~field[whole]) - 24;
        if ((byte)(field[whole] << ones) != 0) return false;
        return field[(whole + 1)..].IndexOfAnyExcept((byte)0) < 0;
    }
}
