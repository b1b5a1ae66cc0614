using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace KernelBypass.Wire;

/// <summary>
/// The Internet checksum of RFC 1071: the one's complement of the one's complement sum of 16-bit words. A <i>sum</i> here is
/// folded to 16 bits and not complemented, and is the value read in network order; a <i>checksum</i> is what stands in a header.
/// </summary>
public static class Checksum
{
    // Below this length the vector set-up costs more than it saves.
    private const int VectorThreshold = 64;

    /// <summary>The checksum of <paramref name="data"/>, to be stored in a header whose checksum field was zero.</summary>
    public static ushort Compute(ReadOnlySpan<byte> data) => Finish(Sum(data));

    /// <summary>
    /// The checksum of <paramref name="data"/> preceded by bytes (of even count) whose sum is known: a pseudo header.
    /// </summary>
    public static ushort Compute(ReadOnlySpan<byte> data, uint precedingSum) => Finish(Sum(data) + (ulong)precedingSum);

    /// <summary>True when data that contains its own checksum field sums to all ones (RFC 1071 1, item 3).</summary>
    public static bool IsValid(ReadOnlySpan<byte> data, uint precedingSum = 0) => Compute(data, precedingSum) == 0;

    /// <summary>The one's complement sum, 0 to 0xFFFF. An odd last byte counts as the high half of a word.</summary>
    public static uint Sum(ReadOnlySpan<byte> data) =>
        data.Length >= VectorThreshold && Vector128.IsHardwareAccelerated ? SumVector(data) : SumScalar(data);

    /// <summary>Folds a wide sum and complements it.</summary>
    public static ushort Finish(ulong sum) => (ushort)~Fold(sum);

    /// <summary>Folds a wide sum to 16 bits by adding the carries back (RFC 1071 2, (A)).</summary>
    public static uint Fold(ulong sum)
    {
        sum = (sum & 0xFFFF_FFFF) + (sum >> 32);
        sum = (sum & 0xFFFF_FFFF) + (sum >> 32);
        uint low = (uint)sum;
        low = (low & 0xFFFF) + (low >> 16);
        return (low & 0xFFFF) + (low >> 16);
    }

    /// <summary>The sum by 32-bit words, without vectors. Equals <see cref="SumReference"/> for every input.</summary>
    public static uint SumScalar(ReadOnlySpan<byte> data) => ToNetworkSum(NativeSum(data));

    /// <summary>The sum exactly as RFC 1071 states it, a word at a time: what the faster forms are tested against.</summary>
    public static uint SumReference(ReadOnlySpan<byte> data)
    {
        ulong sum = 0;
        for (int i = 0; i + 1 < data.Length; i += 2)
            sum += (uint)((data[i] << 8) | data[i + 1]);
        if ((data.Length & 1) != 0)
            sum += (uint)(data[^1] << 8);
        return Fold(sum);
    }

    /// <summary>
    /// The sum by 128-bit or, where there are, 256-bit vectors; any length. Each 64-bit lane gathers 32-bit halves, so it can't
    /// overflow in under 2^31 vectors.
    /// </summary>
    public static uint SumVector(ReadOnlySpan<byte> data)
    {
        ulong sum = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            ReadOnlySpan<Vector256<ulong>> wide = MemoryMarshal.Cast<byte, Vector256<ulong>>(data);
            Vector256<ulong> low = Vector256<ulong>.Zero, high = Vector256<ulong>.Zero;
            Vector256<ulong> mask = Vector256.Create(0xFFFF_FFFFUL);
            foreach (Vector256<ulong> v in wide)
            {
                low += v & mask;
                high += v >>> 32;
            }
            sum = FoldTo32(Vector256.Sum(low)) + FoldTo32(Vector256.Sum(high));
            data = data[(wide.Length * Vector256<byte>.Count)..];
        }
        ReadOnlySpan<Vector128<ulong>> blocks = MemoryMarshal.Cast<byte, Vector128<ulong>>(data);
        Vector128<ulong> low128 = Vector128<ulong>.Zero, high128 = Vector128<ulong>.Zero;
        foreach (Vector128<ulong> v in blocks)
        {
            low128 += v & Vector128.Create(0xFFFF_FFFFUL);
            high128 += v >>> 32;
        }
        sum += FoldTo32(Vector128.Sum(low128)) + FoldTo32(Vector128.Sum(high128));
        return ToNetworkSum(sum + FoldTo32(NativeSum(data[(blocks.Length * Vector128<byte>.Count)..])));
    }

    private static ulong FoldTo32(ulong sum) => (sum & 0xFFFF_FFFF) + (sum >> 32);

    // RFC 1071 2 (B): the sum does not depend on byte order, so words are added as the machine reads them and swapped once.
    private static ulong NativeSum(ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<uint> words = MemoryMarshal.Cast<byte, uint>(data);
        ulong sum = 0;
        foreach (uint word in words)
            sum += word;
        ReadOnlySpan<byte> tail = data[(words.Length * sizeof(uint))..];
        if (tail.Length >= 2)
        {
            sum += MemoryMarshal.Read<ushort>(tail);
            tail = tail[2..];
        }
        if (tail.Length == 1)
            sum += BitConverter.IsLittleEndian ? tail[0] : (uint)tail[0] << 8;
        return sum;
    }

    private static uint ToNetworkSum(ulong native)
    {
        uint folded = Fold(native);
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness((ushort)folded) : folded;
    }
}

/// <summary>A checksum gathered over pieces of any length, odd ones included: the segments of a multi-segment packet.</summary>
public struct ChecksumAccumulator
{
    private ulong _sum;
    private bool _odd;

    /// <summary>Starts from the sum of bytes that come before: a pseudo header.</summary>
    public ChecksumAccumulator(uint precedingSum) => _sum = precedingSum;

    /// <summary>Adds the next piece.</summary>
    public void Add(ReadOnlySpan<byte> piece)
    {
        uint sum = Checksum.Sum(piece);

        // After an odd number of bytes every word of this piece is shifted by one byte, which swaps its sum (RFC 1071 2 (B)).
        _sum += _odd ? BinaryPrimitives.ReverseEndianness((ushort)sum) : sum;
        _odd ^= (piece.Length & 1) != 0;
    }

    /// <summary>The checksum of all pieces so far.</summary>
    public readonly ushort Finish() => Checksum.Finish(_sum);
}
