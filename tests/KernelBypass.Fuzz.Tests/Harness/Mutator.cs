using System.Buffers.Binary;

namespace KernelBypass.Fuzz.Tests.Harness;

/// <summary>
/// Changes inputs as attackers and broken peers do: bits, bytes, boundary values, cuts, copies, splices of two inputs, tokens of
/// the format, and lies in what looks like a length field.
/// </summary>
internal sealed class Mutator(FuzzRandom random, IReadOnlyList<byte[]> dictionary, int maxLength)
{
    private static readonly ulong[] s_boundaries =
        [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 19, 20, 31, 32, 39, 40, 63, 64, 127, 128, 255, 256, 1500, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF,
         0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, ulong.MaxValue];

    /// <summary>A changed copy of <paramref name="input"/>, of at most the greatest length.</summary>
    internal byte[] Mutate(byte[] input, IReadOnlyList<byte[]> pool)
    {
        var bytes = new List<byte>(input);
        for (int steps = 1 + random.Below(random.Below(8) + 1); steps > 0; steps--)
            Step(bytes, pool);
        if (bytes.Count > maxLength)
            bytes.RemoveRange(maxLength, bytes.Count - maxLength);
        return [.. bytes];
    }

    private void Step(List<byte> bytes, IReadOnlyList<byte[]> pool)
    {
        switch (random.Below(12))
        {
            case 0 or 1: FlipBit(bytes); break;
            case 2: SetByte(bytes); break;
            case 3 or 4: SetBoundary(bytes); break;
            case 5: Truncate(bytes); break;
            case 6: Splice(bytes, random.Pick(pool)); break;
            case 7: InsertToken(bytes); break;
            case 8 or 9: LieAboutLength(bytes); break;
            case 10: CopyBlock(bytes); break;
            default: DeleteBlock(bytes); break;
        }
    }

    private void FlipBit(List<byte> bytes)
    {
        if (bytes.Count > 0)
            bytes[random.Below(bytes.Count)] ^= (byte)(1 << random.Below(8));
    }

    private void SetByte(List<byte> bytes)
    {
        if (bytes.Count > 0)
            bytes[random.Below(bytes.Count)] = random.Byte();
    }

    private void SetBoundary(List<byte> bytes) =>
        Write(bytes, random.Below(bytes.Count), 1 << random.Below(4), random.Pick(s_boundaries));

    private void Truncate(List<byte> bytes)
    {
        int keep = random.Below(bytes.Count + 1);
        bytes.RemoveRange(keep, bytes.Count - keep);
    }

    private void Splice(List<byte> bytes, byte[] other)
    {
        int keep = random.Below(bytes.Count + 1), from = random.Below(other.Length + 1);
        bytes.RemoveRange(keep, bytes.Count - keep);
        bytes.AddRange(other.AsSpan(from));
    }

    private void InsertToken(List<byte> bytes)
    {
        if (dictionary.Count == 0)
            return;
        byte[] token = random.Pick(dictionary);
        int at = random.Below(bytes.Count + 1);
        if (random.Below(2) == 0)
            bytes.RemoveRange(at, Math.Min(token.Length, bytes.Count - at));
        bytes.InsertRange(at, token);
    }

    // A length field holds about the number of bytes that follow it, in bytes or in units of 4 or 8: look for one and bend it.
    private void LieAboutLength(List<byte> bytes)
    {
        if (bytes.Count < 2)
            return;
        int start = random.Below(bytes.Count);
        for (int i = 0; i < bytes.Count; i++)
        {
            int at = (start + i) % bytes.Count, left = bytes.Count - at;
            int wide = left >= 2 ? (bytes[at] << 8) | bytes[at + 1] : -1;
            if (wide > 0 && Math.Abs(wide - left) <= 48)
            {
                Write(bytes, at, 2, (ulong)(wide + random.Below(33) - 16));
                return;
            }
            if (bytes[at] is > 0 and < 64 && bytes[at] <= left)
            {
                bytes[at] = (byte)(random.Below(4) == 0 ? random.Byte() : bytes[at] + random.Below(9) - 4);
                return;
            }
        }
    }

    private void CopyBlock(List<byte> bytes)
    {
        int from = random.Below(bytes.Count), count = Math.Min(random.Below(64), bytes.Count - from);
        byte[] block = [.. bytes.Skip(from).Take(count)];
        bytes.InsertRange(random.Below(bytes.Count + 1), block);
    }

    private void DeleteBlock(List<byte> bytes)
    {
        int from = random.Below(bytes.Count);
        bytes.RemoveRange(from, Math.Min(random.Below(32), bytes.Count - from));
    }

    private void Write(List<byte> bytes, int at, int width, ulong value)
    {
        Span<byte> field = stackalloc byte[8];
        if (random.Below(2) == 0)
            BinaryPrimitives.WriteUInt64LittleEndian(field, value);
        else
            BinaryPrimitives.WriteUInt64BigEndian(field, value << (64 - (8 * width)));
        for (int i = 0; i < width && at + i < bytes.Count; i++)
            bytes[at + i] = field[i];
    }
}
