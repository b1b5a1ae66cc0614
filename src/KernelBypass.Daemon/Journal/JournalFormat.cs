using System.Buffers.Binary;
using System.Numerics;
using KernelBypass.Daemon.Flows;

namespace KernelBypass.Daemon.Journal;

/// <summary>What one change in a record is.</summary>
internal enum JournalChange : byte
{
    /// <summary>A flow was added or replaced: the encoded flow follows.</summary>
    Put = 1,

    /// <summary>A flow was removed: its identity follows.</summary>
    Remove = 2,

    /// <summary>From here on the flows stand in this data plane: its instance number follows.</summary>
    Instance = 3,
}

/// <summary>
/// The journal's format. A file: 16 bytes head ("KBFLOWJ1", u64 generation), then records. A record: u32 payload bytes, u32
/// CRC-32C of the payload, payload; it holds all changes of one request and counts whole or not at all. A change: u8 kind, u32 length,
/// that many bytes. Numbers are little-endian. A length of zero ends the file (its space is reserved ahead).
/// </summary>
internal static class JournalFormat
{
    internal const int FileHeadBytes = 16;
    internal const int RecordHeadBytes = 8;
    internal const int ChangeHeadBytes = 5;

    /// <summary>Longest record that is believed when reading.</summary>
    internal const int MaxRecordBytes = 1 << 30;

    internal static ReadOnlySpan<byte> Magic => "KBFLOWJ1"u8;

    /// <summary>CRC-32C (Castagnoli), as in RFC 3720, B.4.</summary>
    internal static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= 8; bytes = bytes[8..]) crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var value in bytes) crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }
}

/// <summary>Builds one record; reused from request to request.</summary>
internal sealed class JournalRecord
{
    private byte[] _bytes = new byte[64 * 1024];
    private int _length = JournalFormat.RecordHeadBytes;

    /// <summary>Whether no change has been noted.</summary>
    internal bool IsEmpty => _length == JournalFormat.RecordHeadBytes;

    /// <summary>Bytes that the record takes in the file.</summary>
    internal int Length => _length;

    internal void Clear() => _length = JournalFormat.RecordHeadBytes;

    internal void Put(ReadOnlySpan<byte> spec) => spec.CopyTo(Change(JournalChange.Put, spec.Length));

    internal void Remove(FlowIdentity identity) =>
        identity.CopyTo(Change(JournalChange.Remove, FlowIdentity.HeadBytes + identity.Match.Length));

    internal void Instance(ulong instance) => BinaryPrimitives.WriteUInt64LittleEndian(Change(JournalChange.Instance, 8), instance);

    /// <summary>The record with its head filled in.</summary>
    internal ReadOnlySpan<byte> Finish()
    {
        var payload = _bytes.AsSpan(JournalFormat.RecordHeadBytes, _length - JournalFormat.RecordHeadBytes);
        BinaryPrimitives.WriteInt32LittleEndian(_bytes, payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(4), JournalFormat.Crc(payload));
        return _bytes.AsSpan(0, _length);
    }

    private Span<byte> Change(JournalChange kind, int length)
    {
        var needed = _length + JournalFormat.ChangeHeadBytes + length;
        if (needed > _bytes.Length) Array.Resize(ref _bytes, Math.Max(needed, _bytes.Length * 2));
        _bytes[_length] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(_length + 1), length);
        var body = _bytes.AsSpan(_length + JournalFormat.ChangeHeadBytes, length);
        _length = needed;
        return body;
    }
}
