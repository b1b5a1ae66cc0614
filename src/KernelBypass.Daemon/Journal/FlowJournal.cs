using System.Buffers.Binary;
using System.Diagnostics;
using KernelBypass.Daemon.Configuration;
using KernelBypass.Daemon.Flows;
using Microsoft.Win32.SafeHandles;

namespace KernelBypass.Daemon.Journal;

/// <summary>The disk has no room for a flow, or the journal cannot be written.</summary>
internal sealed class JournalException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>
/// Flows on disk: a snapshot and a journal of the changes since, both of one generation. Space is reserved before the data plane is
/// asked, so that a full disk refuses a write as a whole and a granted one can be noted. Not safe for several threads, but
/// <see cref="Sync"/> may run beside appends.
/// </summary>
internal sealed class FlowJournal : IDisposable
{
    private const int ReserveStep = 1 << 20;
    private readonly string _directory;
    private readonly JournalConfig _config;
    private readonly JournalRecord _note = new();
    private SafeFileHandle _file = null!;
    private ulong _generation;
    private long _position;
    private long _reserved;
    private long _snapshotBytes;
    private volatile bool _dirty;
    private volatile bool _failed;

    private FlowJournal(JournalConfig config)
    {
        _config = config;
        _directory = config.Path;
    }

    /// <summary>Bytes of the journal's records.</summary>
    internal long Bytes => Volatile.Read(ref _position);

    internal long Records { get; private set; }

    internal long Syncs { get; private set; }

    internal long Compactions { get; private set; }

    /// <summary>Writes refused or failed.</summary>
    internal long Failures { get; private set; }

    /// <summary>The longest sync in nanoseconds.</summary>
    internal long LongestSyncNs { get; private set; }

    /// <summary>The data plane in which the flows stood last; 0 unknown.</summary>
    internal ulong Instance { get; private set; }

    /// <summary>Bytes at the end that were neither record nor free when the journal was opened.</summary>
    internal long LostBytes { get; private set; }

    /// <summary>Opens a directory's journal, or makes one, and replays it into an empty store.</summary>
    /// <exception cref="IOException">The directory cannot be made or written.</exception>
    /// <exception cref="InvalidDataException">A file there is none of this version's.</exception>
    internal static FlowJournal Open(JournalConfig config, FlowStore store)
    {
        Directory.CreateDirectory(config.Path);
        var journal = new FlowJournal(config);
        journal.Load(store);
        return journal;
    }

    /// <summary>Makes sure that a record of so many bytes can be written.</summary>
    /// <exception cref="JournalException">The disk is full, a quota is reached, or an earlier write failed.</exception>
    internal void Reserve(int bytes)
    {
        if (_failed) throw Fail("an earlier write failed: make room or mend the disk; kernelbypassd rewrites the journal by itself", null);
        var end = _position + bytes + JournalFormat.RecordHeadBytes;
        if (end <= _reserved) return;
        // A step ahead if there is room, else exactly what is needed.
        var step = (end / ReserveStep + 1) * ReserveStep;
        var error = JournalNative.PosixFallocate(_file, _reserved, step - _reserved);
        if (error == 0)
        {
            _reserved = step;
            return;
        }

        error = JournalNative.PosixFallocate(_file, _reserved, end - _reserved);
        if (error != 0)
            throw Fail($"no room for {bytes} bytes (errno {error}): free space in {_directory}, or give another journal.path", null);
        _reserved = end;
    }

    /// <summary>Writes a record for which room was reserved, and syncs it if the policy says always.</summary>
    /// <exception cref="JournalException">The disk failed. The journal refuses everything until <see cref="Compact"/> succeeds.</exception>
    internal void Append(JournalRecord record)
    {
        if (record.IsEmpty) return;
        try
        {
            var bytes = record.Finish();
            RandomAccess.Write(_file, bytes, _position);
            Volatile.Write(ref _position, _position + bytes.Length);
            Records++;
            _dirty = true;
        }
        catch (IOException e)
        {
            _failed = true;
            throw Fail($"a record could not be written: {e.Message}", e);
        }

        if (_config.Sync == JournalSync.Always) Sync();
    }

    /// <summary>Notes in which data plane the flows stand from now on.</summary>
    internal void NoteInstance(ulong instance)
    {
        if (Instance == instance) return;
        _note.Clear();
        _note.Instance(instance);
        Reserve(_note.Length);
        Append(_note);
        Instance = instance;
    }

    /// <summary>Forces what was written to the disk.</summary>
    internal void Sync()
    {
        if (!_dirty) return;
        _dirty = false;
        var start = Stopwatch.GetTimestamp();
        try
        {
            RandomAccess.FlushToDisk(_file);
        }
        catch (IOException e)
        {
            _failed = true;
            throw Fail($"could not be forced to the disk: {e.Message}", e);
        }

        Syncs++;
        LongestSyncNs = Math.Max(LongestSyncNs, (long)Stopwatch.GetElapsedTime(start).TotalNanoseconds);
    }

    /// <summary>Whether the journal is long enough, beside what it would shrink to, or broken.</summary>
    internal bool WantsCompaction => _failed || (_position > _config.CompactBytes && _position > 2 * _snapshotBytes);

    /// <summary>Writes the store as a snapshot of the next generation and begins a journal beside it.</summary>
    /// <param name="store">The flows.</param>
    /// <param name="include">Which of them, by index; null: all.</param>
    /// <exception cref="JournalException">No room; the present generation stays in force.</exception>
    internal void Compact(FlowStore store, Func<int, bool>? include = null)
    {
        var next = _generation + 1;
        var snapshot = PathOf(next, "snapshot");
        try
        {
            var bytes = JournalSnapshot.Write(snapshot + ".tmp", next, store, include, Instance);
            var file = Create(PathOf(next, "journal"), next);
            File.Move(snapshot + ".tmp", snapshot, overwrite: true);
            JournalNative.SyncDirectory(_directory);
            _file.Dispose();
            _file = file;
            _snapshotBytes = bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            File.Delete(snapshot + ".tmp");
            File.Delete(PathOf(next, "journal"));
            throw Fail($"no snapshot could be written: {e.Message}", e);
        }

        File.Delete(PathOf(_generation, "journal"));
        File.Delete(PathOf(_generation, "snapshot"));
        _generation = next;
        _position = _reserved = JournalFormat.FileHeadBytes;
        _failed = _dirty = false;
        Compactions++;
    }

    public void Dispose()
    {
        try
        {
            if (!_failed && !_file.IsClosed) Sync();
        }
        catch (JournalException)
        {
            // Counted by Fail; a process that stops has nobody left to tell.
        }

        _file.Dispose();
    }

    private void Load(FlowStore store)
    {
        foreach (var abandoned in Directory.EnumerateFiles(_directory, "flows.*.tmp")) File.Delete(abandoned);
        var snapshots = Generations("snapshot");
        var journals = Generations("journal");
        // A journal is begun before its snapshot gets its name; without a snapshot it counts only as the first generation.
        _generation = snapshots.Count > 0 ? snapshots.Max : 0;
        if (snapshots.Count > 0)
        {
            var contents = JournalReader.Replay(PathOf(_generation, "snapshot"), _generation, store, 0);
            Instance = contents.Instance;
            LostBytes = contents.LostBytes;
            _snapshotBytes = contents.ValidBytes;
        }

        var path = PathOf(_generation, "journal");
        var found = journals.Contains(_generation) ? JournalReader.Replay(path, _generation, store, Instance) : default;
        if (found.ValidBytes == 0)
        {
            _file = Create(path, _generation);
            _position = _reserved = JournalFormat.FileHeadBytes;
        }
        else
        {
            _file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
            // What follows the last whole record must not be taken for records after new ones.
            RandomAccess.SetLength(_file, found.ValidBytes);
            _position = _reserved = found.ValidBytes;
            Instance = found.Instance;
            LostBytes += found.LostBytes;
        }

        foreach (var old in snapshots.Where(generation => generation != _generation)) File.Delete(PathOf(old, "snapshot"));
        foreach (var old in journals.Where(generation => generation != _generation)) File.Delete(PathOf(old, "journal"));
    }

    private static SafeFileHandle Create(string path, ulong generation)
    {
        var file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.Read);
        Span<byte> head = stackalloc byte[JournalFormat.FileHeadBytes];
        JournalFormat.Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt64LittleEndian(head[8..], generation);
        try
        {
            RandomAccess.Write(file, head, 0);
            RandomAccess.FlushToDisk(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }

        return file;
    }

    private SortedSet<ulong> Generations(string kind)
    {
        var generations = new SortedSet<ulong>();
        foreach (var path in Directory.EnumerateFiles(_directory, $"flows.*.{kind}"))
        {
            if (ulong.TryParse(Path.GetFileName(path).Split('.')[1], out var generation)) generations.Add(generation);
        }

        return generations;
    }

    private string PathOf(ulong generation, string kind) => Path.Combine(_directory, $"flows.{generation}.{kind}");

    private JournalException Fail(string message, Exception? inner)
    {
        Failures++;
        return new($"flow journal {_directory}: {message}", inner);
    }
}
