using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using KernelBypass.Model.Flows;

namespace KernelBypass.Daemon.Flows;

/// <summary>What makes a flow the same flow: table, priority and match (OpenFlow 1.3.5, 5.2). A view over an encoded spec.</summary>
internal readonly ref struct FlowIdentity(byte tableId, ushort priority, ReadOnlySpan<byte> match)
{
    /// <summary>Bytes before the match in <see cref="ToBytes"/>.</summary>
    internal const int HeadBytes = 3;

    internal byte TableId { get; } = tableId;

    internal ushort Priority { get; } = priority;

    /// <summary>The match section, in canonical form (<see cref="FlowSpecWriter"/>).</summary>
    internal ReadOnlySpan<byte> Match { get; } = match;

    /// <summary>The identity of a valid encoded flow.</summary>
    internal static FlowIdentity Of(ReadOnlySpan<byte> spec)
    {
        var head = MemoryMarshal.Read<FlowSpecHeader>(spec);
        return new(head.TableId, head.Priority, spec.Slice(FlowSpecHeader.Size, head.MatchBytes));
    }

    /// <summary>From what <see cref="CopyTo"/> wrote.</summary>
    internal static FlowIdentity FromBytes(ReadOnlySpan<byte> bytes) =>
        new(bytes[0], BinaryPrimitives.ReadUInt16LittleEndian(bytes[1..]), bytes[HeadBytes..]);

    /// <summary>Table, priority (little-endian) and match; answers the bytes written.</summary>
    internal int CopyTo(Span<byte> bytes)
    {
        bytes[0] = TableId;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[1..], Priority);
        Match.CopyTo(bytes[HeadBytes..]);
        return HeadBytes + Match.Length;
    }

    internal byte[] ToBytes()
    {
        var bytes = new byte[HeadBytes + Match.Length];
        CopyTo(bytes);
        return bytes;
    }

    internal bool SameAs(FlowIdentity other) =>
        TableId == other.TableId && Priority == other.Priority && Match.SequenceEqual(other.Match);

    /// <summary>A hash seeded for each process, so that a controller cannot choose flows that collide.</summary>
    internal uint Hash(ulong seed)
    {
        var hash = seed ^ (((ulong)TableId << 16) | Priority) * 0x9E3779B97F4A7C15;
        var rest = Match;
        for (; rest.Length >= 8; rest = rest[8..]) hash = Mix(hash, BinaryPrimitives.ReadUInt64LittleEndian(rest));
        ulong tail = (ulong)rest.Length << 56;
        for (var i = 0; i < rest.Length; i++) tail |= (ulong)rest[i] << (8 * i);
        hash = Mix(hash, tail);
        return (uint)(hash ^ (hash >> 32));
    }

    private static ulong Mix(ulong hash, ulong word)
    {
        var high = Math.BigMul(hash ^ word, 0xD6E8FEB86659FD93, out var low);
        return BitOperations.RotateLeft(high ^ low, 29) + 0x9E3779B97F4A7C15;
    }
}
