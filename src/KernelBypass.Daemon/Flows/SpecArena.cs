using System.Buffers.Binary;

namespace KernelBypass.Daemon.Flows;

/// <summary>
/// Bytes of encoded flows without an object for each: chunks of 1 MiB cut into pieces of 16 bytes, freed pieces chained by size.
/// A piece is named by its number of 16-byte units, so that 32 bits reach 64 GiB. Not safe for several threads.
/// </summary>
internal sealed class SpecArena
{
    private const int UnitBytes = 16;
    private const int ChunkBytes = 1 << 20;
    private const int ChunkUnits = ChunkBytes / UnitBytes;
    private const uint None = uint.MaxValue;
    private readonly List<byte[]> _chunks = [];
    private readonly Dictionary<int, uint> _free = [];
    private int _units = ChunkUnits;

    /// <summary>Bytes held from the runtime.</summary>
    internal long ReservedBytes => (long)_chunks.Count * ChunkBytes;

    /// <summary>Stores a copy and answers its name.</summary>
    /// <exception cref="ArgumentException">Longer than a chunk.</exception>
    internal uint Add(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > ChunkBytes) throw new ArgumentException("a flow is longer than 1 MiB");
        var units = Units(bytes.Length);
        var piece = Take(units);
        bytes.CopyTo(At(piece, bytes.Length));
        return piece;
    }

    /// <summary>The bytes of a piece.</summary>
    internal Span<byte> At(uint piece, int length) =>
        _chunks[(int)(piece / ChunkUnits)].AsSpan((int)(piece % ChunkUnits) * UnitBytes, length);

    /// <summary>Gives a piece back.</summary>
    internal void Remove(uint piece, int length)
    {
        var units = Units(length);
        BinaryPrimitives.WriteUInt32LittleEndian(At(piece, 4), _free.GetValueOrDefault(units, None));
        _free[units] = piece;
    }

    private uint Take(int units)
    {
        if (_free.TryGetValue(units, out var piece) && piece != None)
        {
            _free[units] = BinaryPrimitives.ReadUInt32LittleEndian(At(piece, 4));
            return piece;
        }

        if (_units + units > ChunkUnits)
        {
            _chunks.Add(GC.AllocateUninitializedArray<byte>(ChunkBytes));
            _units = 0;
        }

        piece = (uint)((_chunks.Count - 1) * ChunkUnits + _units);
        _units += units;
        return piece;
    }

    private static int Units(int length) => Math.Max(1, (length + UnitBytes - 1) / UnitBytes);
}
