using System.Buffers.Binary;
using KernelBypass.Channel;
using KernelBypass.Channel.Messages;
using KernelBypass.Channel.SharedMemory;
using KernelBypass.Fuzz.Tests.Harness;
using KernelBypass.Model.Declarations;
using static KernelBypass.Fuzz.Tests.Targets.WireTargets;

namespace KernelBypass.Fuzz.Tests.Targets;

/// <summary>The files that the processes share, as the other one may have written them.</summary>
internal static unsafe class SharedFileTargets
{
    private const int PatchLength = 13;
    private const int MetricsSequenceOffset = 128;
    private const byte MetricsKind = 0;
    private const byte FlowStatsKind = 4;
    private const byte ControlKind = 7;
    private const int HeadLength = 4096;

    // In memory where that is possible; the path of a run directory has to be short.
    private static readonly RunDirectory s_directory = new(Directory.CreateDirectory(Path.Combine(
        Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"kernelbypass-fuzz-{Environment.ProcessId}")).FullName);

    private static readonly Dictionary<byte, byte[]> s_sound = SoundFiles();

    static SharedFileTargets() =>
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(s_directory.Path, recursive: true);

    /// <summary>
    /// Metrics, flow statistics and the control channel's head are read, or refused with <see cref="ChannelException"/>; never is
    /// a byte outside the mapping touched. Input: which file (the small ones more often), then patches: offset (32), width (8),
    /// value (64).
    /// </summary>
    internal static FuzzTarget Files { get; } = new("shared-files", Seeds(), [], 1_500, input =>
    {
        if (input.IsEmpty)
            return 0;
        byte kind = (input[0] % 8) switch { < FlowStatsKind => MetricsKind, < ControlKind => FlowStatsKind, _ => ControlKind };
        byte[] file = Patched(s_sound[kind], input[1..]);
        try
        {
            return kind switch
            {
                MetricsKind => Metrics(file),
                FlowStatsKind => FlowStats(file),
                _ => Control(file),
            };
        }
        catch (ChannelException refusal)
        {
            return ((ulong)kind << 60) ^ FuzzPath.OfShape(refusal.Message.AsSpan(refusal.Message.LastIndexOf('\'') + 1));
        }
    }, MaxLength: 1 + (PatchLength * 8));

    private static ulong Metrics(byte[] file)
    {
        file[MetricsSequenceOffset] &= 0xFE; // an odd one says that a writer is at work, and the reader waits for it
        File.WriteAllBytes(s_directory.Metrics, file);
        using MetricsReader reader = MetricsReader.Open(s_directory);
        ulong sum = 0;
        foreach (MetricSample sample in reader.Snapshot().Samples)
        {
            Require(sample.Metric.Labels.Length == sample.LabelValues.Count, "labels and their values differ in number");
            sum++;
        }
        return sum;
    }

    private static ulong FlowStats(byte[] file)
    {
        File.WriteAllBytes(s_directory.FlowStats, file);
        using FlowStatsReader reader = FlowStatsReader.Open(s_directory);
        foreach (uint slot in (ReadOnlySpan<uint>)[0, 1, reader.Flows / 2, reader.Flows - 1, reader.Flows, uint.MaxValue])
            reader.Read(slot);
        return 1ul << 32 | reader.Flows;
    }

    private static ulong Control(byte[] file)
    {
        File.WriteAllBytes(s_directory.Control, file);
        using ControlRegion region = ControlRegion.Open(s_directory.Control);
        ulong messages = 0;
        foreach (RingId ring in Enum.GetValues<RingId>())
        {
            SharedRingReader reader = region.Reader(ring);
            while (messages < 100 && reader.TryRead(out _, out _))
                messages++;
        }
        return 2ul << 32 | messages;
    }

    private static byte[] Patched(byte[] sound, ReadOnlySpan<byte> patches)
    {
        byte[] file = [.. sound];
        Span<byte> value = stackalloc byte[8];
        for (; patches.Length >= PatchLength; patches = patches[PatchLength..])
        {
            // Great numbers fall on the head, where it hurts.
            uint place = BinaryPrimitives.ReadUInt32LittleEndian(patches);
            int offset = (int)(place % (uint)(place < 1 << 30 ? file.Length : HeadLength));
            patches.Slice(5, 8).CopyTo(value);
            int width = Math.Min(1 << (patches[4] & 3), file.Length - offset);
            value[..width].CopyTo(file.AsSpan(offset));
        }
        return file;
    }

    private static byte[] Patch(uint offset, byte width, ulong value)
    {
        byte[] patch = new byte[PatchLength];
        BinaryPrimitives.WriteUInt32LittleEndian(patch, offset);
        patch[4] = width;
        BinaryPrimitives.WriteUInt64LittleEndian(patch.AsSpan(5), value);
        return patch;
    }

    private static List<byte[]> Seeds()
    {
        var seeds = new List<byte[]>();
        foreach (byte kind in new[] { MetricsKind, FlowStatsKind, ControlKind })
        {
            seeds.Add([kind]);

            // Every word of the head, and of what follows the head and the declarations.
            for (uint offset = 0; offset < 160; offset += kind == ControlKind ? 8u : 4u)
                seeds.Add([kind, .. Patch(offset, 2, uint.MaxValue)]);
            for (uint offset = 0; offset < 64; offset += 8)
            {
                byte[] afterDeclarations = Patch(HeadLength + (256 * 1024) + offset, 2, 0x7FFF_FFFF);
                seeds.Add([kind, .. Patch(HeadLength + offset, 2, 0x8000_0001), .. afterDeclarations]);
            }
        }

        // Number of lcores and of flows whose product is 2^64 too large: the size that they make is that of the file.
        seeds.Add([FlowStatsKind, .. Patch(12, 2, 308_761_441), .. Patch(24, 2, 14_586_017ul * 256)]);
        return seeds;
    }

    private static Dictionary<byte, byte[]> SoundFiles()
    {
        using MetricsWriter metrics = MetricsWriter.Create(s_directory, maxInstances: 8);
        var packets = new MetricDeclaration("fuzz_packets", "{packet}", "Packets.", MetricKind.Counter, "port", "lcore");
        *metrics.Add(1, packets, "p0", "1") = 10;
        *metrics.Add(2, packets, "p1", "2") = 20;
        using FlowStatsWriter flows = FlowStatsWriter.Create(s_directory, lcores: 1, flows: 10);
        Require(flows.TryReserve(0), "no room for flow statistics");
        flows.ForLcore(0)->Packets = 5;
        const int Ring = ChannelOptions.MinRingBytes;
        var options = new ChannelOptions
        {
            CommandRingBytes = Ring,
            EventRingBytes = Ring,
            PacketOutRingBytes = Ring,
            PacketRingBytes = Ring,
        };
        using ControlRegion control = ControlRegion.Create(s_directory.Control, options);
        Require(control.Writer(RingId.Event).TryWrite(MessageType.Log, MessageFlags.None, 0, "a line"u8), "the ring is full");
        return new Dictionary<byte, byte[]>
        {
            [MetricsKind] = File.ReadAllBytes(s_directory.Metrics),
            [FlowStatsKind] = File.ReadAllBytes(s_directory.FlowStats),
            [ControlKind] = File.ReadAllBytes(s_directory.Control),
        };
    }
}
