using System.Buffers.Binary;
using KernelBypass.Daemon.Flows;

namespace KernelBypass.Daemon.Journal;

/// <summary>Writes a whole store in the journal's format.</summary>
internal static class JournalSnapshot
{
    private const int RecordBytes = 256 * 1024;

    /// <summary>Writes and forces to the disk; answers the bytes.</summary>
    /// <exception cref="IOException">No room.</exception>
    internal static long Write(string path, ulong generation, FlowStore store, Func<int, bool>? include, ulong instance)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
        Span<byte> head = stackalloc byte[JournalFormat.FileHeadBytes];
        JournalFormat.Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt64LittleEndian(head[8..], generation);
        file.Write(head);
        var record = new JournalRecord();
        record.Instance(instance);
        for (var i = 0; i < store.End; i++)
        {
            if (!store.Holds(i) || include?.Invoke(i) == false) continue;
            record.Put(store.Spec(i));
            if (record.Length < RecordBytes) continue;
            file.Write(record.Finish());
            record.Clear();
        }

        if (!record.IsEmpty) file.Write(record.Finish());
        file.Flush(flushToDisk: true);
        return file.Length;
    }
}
