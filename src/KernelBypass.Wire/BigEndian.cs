using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace KernelBypass.Wire;

/// <summary>Network-order field access at a byte offset, so that accessors read as one line.</summary>
internal static class BigEndian
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ushort U16(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16BigEndian(bytes[offset..]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32BigEndian(bytes[offset..]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong U64(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64BigEndian(bytes[offset..]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static UInt128 U128(ReadOnlySpan<byte> bytes, int offset) => new(U64(bytes, offset), U64(bytes, offset + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void U16(Span<byte> bytes, int offset, ushort value) =>
        BinaryPrimitives.WriteUInt16BigEndian(bytes[offset..], value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void U32(Span<byte> bytes, int offset, uint value) =>
        BinaryPrimitives.WriteUInt32BigEndian(bytes[offset..], value);

    internal static void U64(Span<byte> bytes, int offset, ulong value) =>
        BinaryPrimitives.WriteUInt64BigEndian(bytes[offset..], value);

    internal static void U128(Span<byte> bytes, int offset, UInt128 value) =>
        BinaryPrimitives.WriteUInt128BigEndian(bytes[offset..], value);
}
