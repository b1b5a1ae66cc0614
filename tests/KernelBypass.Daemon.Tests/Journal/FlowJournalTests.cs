using KernelBypass.Channel.Messages;
using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;
using KernelBypass.Daemon.Configuration;
using KernelBypass.Daemon.Flows;
using KernelBypass.Daemon.Journal;
using KernelBypass.Daemon.Tests.Flows;

namespace KernelBypass.Daemon.Tests.Journal;

public sealed class FlowJournalTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kb-journal-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private JournalConfig Config(long compactBytes = 1 << 30, JournalSync sync = JournalSync.Never) => new(_directory, sync, 100, compactBytes);

    private static void Put(FlowJournal journal, FlowStore store, params byte[][] specs)
    {
        var record = new JournalRecord();
        foreach (var spec in specs)
        {
            record.Put(spec);
            store.Put(spec, NoFlow.Handle);
        }

        journal.Reserve(record.Length);
        journal.Append(record);
    }

    private static void Remove(FlowJournal journal, FlowStore store, byte[] spec)
    {
        var record = new JournalRecord();
        record.Remove(FlowIdentity.Of(spec));
        store.Remove(store.Find(FlowIdentity.Of(spec)));
        journal.Reserve(record.Length);
        journal.Append(record);
    }

    private static string[] Contents(FlowStore store) =>
        [.. Enumerable.Range(0, store.End).Where(store.Holds).Select(i => Convert.ToHexString(store.Spec(i))).Order()];

    private static byte[] Flow(int priority, int actions = 1) => FlowStoreProperties.Spec(0, (ushort)priority, 8, actions);

    [Fact]
    public void Flows_come_back()
    {
        var store = new FlowStore();
        using (var journal = FlowJournal.Open(Config(sync: JournalSync.Always), store))
        {
            journal.NoteInstance(42);
            Put(journal, store, Flow(1), Flow(2), Flow(3));
            Remove(journal, store, Flow(2));
            Put(journal, store, Flow(3, actions: 5));
            Assert.True(journal.Syncs >= 3);
        }

        var again = new FlowStore();
        using var reopened = FlowJournal.Open(Config(), again);
        Assert.Equal(Contents(store), Contents(again));
        Assert.Equal(2, again.Count);
        Assert.Equal((42UL, 0L), (reopened.Instance, reopened.LostBytes));
    }

    [Fact]
    public void Compaction_keeps_the_flows_and_goes_on()
    {
        var store = new FlowStore();
        using (var journal = FlowJournal.Open(Config(compactBytes: 4096), store))
        {
            journal.NoteInstance(7);
            for (var i = 0; i < 500; i++)
            {
                Put(journal, store, Flow(i % 20));
                if (journal.WantsCompaction) journal.Compact(store);
            }

            Assert.True(journal.Compactions > 1);
            Remove(journal, store, Flow(3));
        }

        Assert.Equal(2, Directory.GetFiles(_directory).Length);
        var again = new FlowStore();
        using var reopened = FlowJournal.Open(Config(), again);
        Assert.Equal(19, again.Count);
        Assert.Equal(Contents(store), Contents(again));
        Assert.Equal(7UL, reopened.Instance);
    }

    [Fact]
    public void A_torn_tail_loses_whole_requests_from_the_end_only() => Prop.ForAll(
        Gen.Choose(0, 2000).ToArbitrary(),
        cut =>
        {
            foreach (var file in Directory.GetFiles(_directory)) File.Delete(file);
            var lengths = new List<long>();
            var store = new FlowStore();
            using (var journal = FlowJournal.Open(Config(), store))
            {
                for (var i = 0; i < 6; i++)
                {
                    Put(journal, store, Flow(2 * i), Flow(2 * i + 1));
                    lengths.Add(journal.Bytes);
                }
            }

            var path = Assert.Single(Directory.GetFiles(_directory));
            var kept = Math.Min(cut, lengths[^1]);
            using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite)) RandomAccess.SetLength(file, kept);
            var whole = lengths.Count(length => length <= kept);
            var again = new FlowStore();
            using (var journal = FlowJournal.Open(Config(), again))
            {
                if (again.Count != 2 * whole) return false;
                Put(journal, again, Flow(100));
            }

            var third = new FlowStore();
            using var last = FlowJournal.Open(Config(), third);
            return third.Count == 2 * whole + 1 && last.LostBytes == 0;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_flipped_bit_is_found_and_what_follows_is_reported_lost()
    {
        var store = new FlowStore();
        long before;
        using (var journal = FlowJournal.Open(Config(), store))
        {
            Put(journal, store, Flow(1));
            before = journal.Bytes;
            Put(journal, store, Flow(2));
            Put(journal, store, Flow(3));
        }

        var path = Assert.Single(Directory.GetFiles(_directory));
        var bytes = File.ReadAllBytes(path);
        bytes[before + 30] ^= 4;
        File.WriteAllBytes(path, bytes);
        var again = new FlowStore();
        using var reopened = FlowJournal.Open(Config(), again);
        Assert.Equal(1, again.Count);
        Assert.True(reopened.LostBytes > 100);
    }

    [Fact]
    public void Random_bytes_are_no_journal_and_never_a_fault() => Prop.ForAll(
        ArbMap.Default.ArbFor<byte[]>(),
        noise =>
        {
            foreach (var file in Directory.GetFiles(_directory)) File.Delete(file);
            using (FlowJournal.Open(Config(), new FlowStore()))
            {
            }

            var path = Assert.Single(Directory.GetFiles(_directory));
            using (var file = new FileStream(path, FileMode.Open))
            {
                file.Position = JournalFormat.FileHeadBytes;
                file.Write(noise);
                file.SetLength(file.Position);
            }

            var store = new FlowStore();
            using var journal = FlowJournal.Open(Config(), store);
            return store.Count == 0;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_foreign_file_is_refused()
    {
        File.WriteAllText(Path.Combine(_directory, "flows.0.journal"), "this is somebody's diary, not a flow journal");
        var error = Assert.Throws<InvalidDataException>(() => FlowJournal.Open(Config(), new FlowStore()));
        Assert.Contains("move it away", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_disk_refuses_a_write_before_anything_is_done_and_recovers()
    {
        // A file system of 256 KiB of its own: needs root, as the appliance does.
        Run("mount", "-t", "tmpfs", "-o", "size=256k", "kb-journal-test", _directory);
        try
        {
            var store = new FlowStore();
            using var journal = FlowJournal.Open(Config(), store);
            var refused = 0;
            for (var i = 0; i < 40 && refused == 0; i++)
            {
                try
                {
                    Put(journal, store, Flow(i, actions: 1000));
                }
                catch (JournalException e)
                {
                    Assert.Contains("no room", e.Message, StringComparison.Ordinal);
                    store.Remove(store.Find(FlowIdentity.Of(Flow(i, actions: 1000))));
                    refused++;
                }
            }

            Assert.Equal(1, refused);
            Assert.Equal(1, journal.Failures);
            Run("mount", "-o", "remount,size=1m", _directory);
            Put(journal, store, Flow(1000, actions: 1000));
            journal.Dispose();
            var again = new FlowStore();
            using var reopened = FlowJournal.Open(Config(), again);
            Assert.Equal(Contents(store), Contents(again));
        }
        finally
        {
            Run("umount", _directory);
        }
    }

    private static void Run(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{command}: {error}");
    }
}
