using KernelBypass.Channel.Messages;
using System.Buffers.Binary;
using KernelBypass.Daemon.Flows;
using KernelBypass.Model.Flows;

namespace KernelBypass.Daemon.Journal;

/// <summary>What reading a journal file found.</summary>
/// <param name="ValidBytes">Where the next record goes.</param>
/// <param name="LostBytes">Bytes after that which are neither a whole record nor zero: a torn write or damage.</param>
/// <param name="Instance">The data plane that the flows stood in last; 0 none.</param>
internal readonly record struct JournalContents(long ValidBytes, long LostBytes, ulong Instance);

/// <summary>Replays a journal or snapshot file into a store. Believes nothing: lengths, checksums and flows are checked.</summary>
internal static class JournalReader
{
    /// <summary>Replays a file.</summary>
    /// <exception cref="InvalidDataException">The head is not that of a journal of this version and generation.</exception>
    internal static JournalContents Replay(string path, ulong generation, FlowStore store, ulong instance)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 20);
        Span<byte> head = stackalloc byte[JournalFormat.FileHeadBytes];
        var read = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        if (read < head.Length || head.IndexOfAnyExcept((byte)0) < 0) return new(0, 0, instance);
        if (!head.StartsWith(JournalFormat.Magic) || BinaryPrimitives.ReadUInt64LittleEndian(head[8..]) != generation)
            throw new InvalidDataException($"{path}: not a flow journal of this version: move it away to start without its flows");

        var position = (long)head.Length;
        var buffer = new byte[64 * 1024];
        Span<byte> recordHead = stackalloc byte[JournalFormat.RecordHeadBytes];
        while (file.ReadAtLeast(recordHead, recordHead.Length, throwOnEndOfStream: false) == recordHead.Length)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(recordHead);
            if (length is <= 0 or > JournalFormat.MaxRecordBytes || length > file.Length - file.Position) break;
            if (length > buffer.Length) buffer = new byte[Math.Max(length, buffer.Length * 2)];
            var payload = buffer.AsSpan(0, length);
            file.ReadExactly(payload);
            if (JournalFormat.Crc(payload) != BinaryPrimitives.ReadUInt32LittleEndian(recordHead[4..])) break;
            if (!TryApply(payload, store, ref instance)) break;
            position += JournalFormat.RecordHeadBytes + length;
        }

        return new(position, CountUsed(file, position), instance);
    }

    /// <summary>Applies the changes of a record; false if one of them is no change, in which case none is applied.</summary>
    private static bool TryApply(ReadOnlySpan<byte> payload, FlowStore store, ref ulong instance)
    {
        for (var pass = 0; pass < 2; pass++)
        {
            var rest = payload;
            while (!rest.IsEmpty)
            {
                if (rest.Length < JournalFormat.ChangeHeadBytes) return false;
                var length = BinaryPrimitives.ReadInt32LittleEndian(rest[1..]);
                if (length < 0 || length > rest.Length - JournalFormat.ChangeHeadBytes) return false;
                var body = rest.Slice(JournalFormat.ChangeHeadBytes, length);
                if (pass == 0 && !IsValid((JournalChange)rest[0], body)) return false;
                if (pass == 1) Apply((JournalChange)rest[0], body, store, ref instance);
                rest = rest[(JournalFormat.ChangeHeadBytes + length)..];
            }
        }

        return true;
    }

    private static bool IsValid(JournalChange change, ReadOnlySpan<byte> body)
    {
        FlowKey key = default, mask = default;
        return change switch
        {
            JournalChange.Put => FlowSpecDecoder.TryDecode(body, new(byte.MaxValue, int.MaxValue), out _, ref key, ref mask).IsOk,
            JournalChange.Remove => body.Length >= FlowIdentity.HeadBytes,
            JournalChange.Instance => body.Length == 8,
            _ => false,
        };
    }

    private static void Apply(JournalChange change, ReadOnlySpan<byte> body, FlowStore store, ref ulong instance)
    {
        switch (change)
        {
            case JournalChange.Put:
                store.Put(body, NoFlow.Handle);
                break;
            case JournalChange.Remove:
                var index = store.Find(FlowIdentity.FromBytes(body));
                if (index != FlowStore.None) store.Remove(index);
                break;
            case JournalChange.Instance:
                instance = BinaryPrimitives.ReadUInt64LittleEndian(body);
                break;
        }
    }

    /// <summary>Bytes from a position to the last that is not zero.</summary>
    private static long CountUsed(FileStream file, long from)
    {
        file.Position = from;
        var buffer = new byte[64 * 1024];
        long used = 0, at = 0;
        int read;
        while ((read = file.Read(buffer)) > 0)
        {
            var last = buffer.AsSpan(0, read).LastIndexOfAnyExcept((byte)0);
            if (last >= 0) used = at + last + 1;
            at += read;
        }

        return used;
    }
}
