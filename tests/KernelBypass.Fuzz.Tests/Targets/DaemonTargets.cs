using System.Buffers.Binary;
using System.Text;
using KernelBypass.Daemon.Configuration;
using KernelBypass.Daemon.Flows;
using KernelBypass.Daemon.Journal;
using KernelBypass.Fuzz.Tests.Harness;
using static KernelBypass.Fuzz.Tests.Targets.WireTargets;

namespace KernelBypass.Fuzz.Tests.Targets;

/// <summary>The daemon's files: the flow journal after any crash, the configuration as anyone may write it.</summary>
internal static class DaemonTargets
{
    private const ulong Generation = 3;

    private static readonly string s_directory =
        Directory.CreateDirectory(Path.Combine(Fuzzer.DefaultWorkDirectory, "flow-journal")).FullName;

    /// <summary>
    /// A journal is replayed as far as it is sound, and replaying that part alone gives the same. The first byte of an input says
    /// whether its records get right checksums, for else a mutated record never reaches what is behind them.
    /// </summary>
    internal static FuzzTarget Journal { get; } = new("flow-journal",
        [JournalFile(seal: false), JournalFile(seal: true)], ModelTargets.Flows, 500, input =>
        {
            byte[] file = input.IsEmpty ? [] : (input[0] & 1) == 0 ? input[1..].ToArray() : Sealed(input[1..]);
            string path = Path.Combine(s_directory, "journal");
            File.WriteAllBytes(path, file);
            var store = new FlowStore();
            JournalContents contents;
            try
            {
                contents = JournalReader.Replay(path, Generation, store, instance: 1);
            }
            catch (InvalidDataException)
            {
                return 1;
            }
            Require(contents.ValidBytes + contents.LostBytes <= file.Length, "more bytes than the file has");
            File.WriteAllBytes(path, file[..(int)contents.ValidBytes]);
            var again = new FlowStore();
            JournalContents sound = JournalReader.Replay(path, Generation, again, instance: 1);
            Require(sound == contents with { LostBytes = 0 }, "the sound part reads otherwise");
            Require(again.Count == store.Count, "the sound part holds other flows");
            return 2 + (ulong)store.Count + (contents.LostBytes > 0 ? 1ul << 20 : 0) + ((ulong)contents.ValidBytes / 64 << 24);
        });

    /// <summary>A configuration is taken, or refused with errors that name a line.</summary>
    internal static FuzzTarget Configuration { get; } = new("configuration", Samples(),
        [.. "\n|: |- |&a |*a|[|]|{|}|'|\"|#|!!int |null|~|-1|1e9|\t".Split('|').Select(Encoding.UTF8.GetBytes)], 1_500, input =>
        {
            try
            {
                ConfigLoader.Parse("fuzz.yaml", new StringReader(Encoding.UTF8.GetString(input)), host: null);
                return 1;
            }
            catch (ConfigException refusal)
            {
                Require(refusal.Errors.Count > 0, "refused without an error");
                return FuzzPath.OfShape(refusal.Errors[0].ToString().AsSpan().TrimStart("fuzz.yaml"));
            }
        }, MaxLength: 4096);

    private static List<byte[]> Samples() =>
        [.. Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "config"), "*.yaml").Order(StringComparer.Ordinal)
            .Select(File.ReadAllBytes)];

    private static byte[] JournalFile(bool seal)
    {
        var record = new JournalRecord();
        record.Instance(9);
        foreach (byte[] flow in ModelTargets.Flows.Take(3))
            record.Put(flow);
        byte[] first = record.Finish().ToArray();
        record.Clear();
        record.Put(ModelTargets.Flows[4]);
        byte[] second = record.Finish().ToArray();
        return seal ? [1, .. Unsealed(first), .. Unsealed(second)] : [0, .. Head(), .. first, .. second, .. new byte[64]];
    }

    private static byte[] Head()
    {
        byte[] head = new byte[JournalFormat.FileHeadBytes];
        JournalFormat.Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt64LittleEndian(head.AsSpan(8), Generation);
        return head;
    }

    // A record without its checksum: 2 bytes of length, then the payload.
    private static byte[] Unsealed(byte[] record)
    {
        byte[] payload = record[JournalFormat.RecordHeadBytes..];
        return [(byte)(payload.Length >> 8), (byte)payload.Length, .. payload];
    }

    private static byte[] Sealed(ReadOnlySpan<byte> input)
    {
        var file = new List<byte>(Head());
        Span<byte> head = stackalloc byte[JournalFormat.RecordHeadBytes];
        while (input.Length >= 2)
        {
            int length = Math.Min((input[0] << 8) | input[1], input.Length - 2);
            ReadOnlySpan<byte> payload = input.Slice(2, length);
            BinaryPrimitives.WriteInt32LittleEndian(head, length);
            BinaryPrimitives.WriteUInt32LittleEndian(head[4..], JournalFormat.Crc(payload));
            file.AddRange(head);
            file.AddRange(payload);
            input = input[(2 + length)..];
        }
        return [.. file];
    }
}
