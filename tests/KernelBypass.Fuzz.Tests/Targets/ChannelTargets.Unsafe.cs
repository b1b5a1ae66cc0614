using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using KernelBypass.Channel.Messages;
using KernelBypass.Channel.Server;
using KernelBypass.Channel.SharedMemory;
using KernelBypass.Fuzz.Tests.Harness;
using static KernelBypass.Fuzz.Tests.Targets.WireTargets;

namespace KernelBypass.Fuzz.Tests.Targets;

/// <summary>What each process reads of the other in shared memory: rings, binary messages, JSON commands.</summary>
internal static unsafe class ChannelTargets
{
    private const int RingCapacity = 4096;
    private const MessageType FirstQuery = MessageType.Hello;
    private const int QueryTypes = 24; // the known ones and two that are not

    private static readonly string[] s_queries =
    [
        """{"Version":"1","Pid":7}""", """{"Chains":[{"Stages":["parse","classify"],"Lcores":[1,2]}]}""", """{"DrainMs":5}""",
        """{"Name":"p0","Number":1,"Device":"net_null0","RxQueues":1,"TxQueues":1,"Mtu":1500,"Promiscuous":true,"Mac":""}""",
        """{"Port":"p0"}""", """{"Port":"p0","Mtu":9000,"NoFlood":false}""", """{"InPort":1,"Packet":"AAECAwQF"}""",
        """{"Match":"AQID","MaxPackets":10,"DurationMs":1000}""", """{"Id":3}""",
        """{"Ports":[1,2],"Receive":true,"Stages":["parse"],"Match":"","SnapLength":128,"MaxPackets":1,"DurationMs":1}""",
    ];

    private static readonly byte[][] s_jsonWords =
    [
        .. new[] { "null", "{}", "[]", "\"\"", "true", "-1", "1e99", "\\ud800", "18446744073709551616", ",", ":" }
            .Select(Encoding.UTF8.GetBytes),
    ];

    private static readonly IQueryHandler s_handler = DispatchProxy.Create<IQueryHandler, AnswersNothing>();

    /// <summary>Every binary message: parts that lie inside the payload, or false.</summary>
    internal static FuzzTarget Messages { get; } = new("channel-messages", BinaryMessages(), [], 80_000, input =>
    {
        ulong path = 0;
        if (PacketOutCommand.TryDecode(input, out PacketOutCommand sent, out var actions, out var packet))
        {
            Require(actions.Length + packet.Length == input.Length - PacketOutCommand.Size, "a packet-out does not add up");
            Require(actions.Length == sent.ActionBytes, "the actions are not as long as their head says");
            path |= 1;
        }
        if (TraceRecordHead.TryDecode(input, out TraceRecordHead trace, out var data, out var steps))
        {
            Require(data.Length == trace.DataBytes, "the data are not as long as their head says");
            Require(TraceRecordHead.Size + data.Length + steps.Length == input.Length, "parts of a trace record do not add up");
            path |= 2;
        }
        path |= CaptureRecord.TryDecode(input, out _, out data) && data.Length == input.Length - CaptureRecord.Size ? 4u : 0;
        path |= PacketInRecord.TryDecode(input, out _, out data) && data.Length == input.Length - PacketInRecord.Size ? 8u : 0;
        path |= FlowModifyCommand.TryDecode(input, out _, out data) && data.Length == input.Length - FlowHandle.Size ? 16u : 0;
        path |= FlowDeleteCommand.TryDecode(input, out _) ? 32u : 0;
        path |= FlowRemovedEvent.TryDecode(input, out _) ? 64u : 0;
        path |= BatchCompletion.TryDecode(input, out _) ? 128u : 0;
        path |= FlowDumpCommand.TryDecode(input, out _) ? 256u : 0;
        if (LogRecord.TryDecode(input, out LogSeverity severity, out string text))
        {
            Require(severity <= LogSeverity.Error && !text.Any(char.IsControl), "a log line with control characters");
            path |= 512;
        }
        return path | ((ulong)WalkDump(input) << 16);
    });

    /// <summary>
    /// A ring whose memory and cursors are the input's, its last byte next to the guard page: reading ends, with a fault or
    /// without one, after no more messages than fit.
    /// </summary>
    internal static FuzzTarget Ring { get; } = new("channel-ring", RingImages(), [[0, 0, 0, 0], [16, 0, 0, 0]], 20_000, input =>
    {
        using var memory = new GuardedBuffer(RingCapacity);
        RingCursors cursors = default;
        if (input.Length < 16)
            return 0;
        cursors.Write = MemoryMarshal.Read<ulong>(input);
        cursors.Read = MemoryMarshal.Read<ulong>(input[8..]);
        Require(memory.Capacity == RingCapacity, "the ring does not end at the guard page: another page size");
        var ring = new Span<byte>(memory.Start, RingCapacity);
        ReadOnlySpan<byte> image = input[16..];
        for (int i = 0; i < ring.Length && !image.IsEmpty; i++)
            ring[i] = image[i % image.Length];
        var reader = new SharedRingReader(&cursors, memory.Start, RingCapacity);

        // The other side moves its cursor after we have taken up the ring: the input says how far.
        cursors.Write = cursors.Read + MemoryMarshal.Read<ulong>(input);
        ulong messages = 0, bytes = 0;
        while (reader.TryRead(out MessageHeader header, out ReadOnlySpan<byte> payload))
        {
            Require(payload.Length == header.Length, "a payload is not as long as its head says");
            messages++;
            bytes += (ulong)MessageHeader.Footprint(payload.Length);
            Require(bytes <= RingCapacity, "more was read than the ring holds");
        }
        Require(reader.Fault is not null || !reader.HasMessage, "messages are left without a fault");
        return messages + (reader.Fault is string fault ? FuzzPath.OfShape(fault) : 0);
    }, MaxLength: RingCapacity + 16);

    /// <summary>A JSON command is answered or refused, and never hands its handler a null that its type forbids.</summary>
    internal static FuzzTarget Queries { get; } = new("channel-queries", QuerySeeds(), s_jsonWords, 20_000, input =>
    {
        if (input.IsEmpty)
            return 0;
        var type = (MessageType)((int)FirstQuery + (input[0] % QueryTypes));
        (MessageType answer, byte[] bytes) = QueryDispatch.Run(s_handler, type, input[1..]);
        Require(answer is MessageType.Answer or MessageType.Refusal, $"an answer of type {answer}");
        using JsonDocument document = JsonDocument.Parse(bytes);
        string shape = answer == MessageType.Refusal ? Encoding.UTF8.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 90))) : "";
        return ((ulong)type << 48) ^ ((ulong)answer << 32) ^ FuzzPath.OfShape(shape);
    }, MaxLength: 512);

    private static List<byte[]> QuerySeeds() => [.. s_queries.SelectMany(WithTypes)];

    private static int WalkDump(ReadOnlySpan<byte> input)
    {
        if (!FlowDumpReader.TryOpen(input, out FlowDumpReader dump))
            return 0;
        int flows = 0;
        while (dump.MoveNext())
        {
            Require(dump.Spec.Length == dump.Head.SpecBytes, "a dumped flow is not as long as its head says");
            flows++;
            Require(flows <= input.Length / FlowDumpEntryHead.Size, "more flows than fit");
        }
        return 1 + Math.Min(flows, 8) + (dump.Malformed ? 16 : 0);
    }

    private static IReadOnlyList<byte[]> BinaryMessages()
    {
        byte[] dump = new byte[1024];
        var writer = new FlowDumpWriter(dump, max: 10);
        foreach (byte[] flow in ModelTargets.Flows.Take(4))
            writer.TryAdd(default, 1, 2, flow);
        byte[] packetOut = [1, 0, 0, 0, 8, 0, 0, 0, .. new byte[8], .. Frames[0]];
        byte[] trace = [.. new byte[32], 60, 0, 0, 0, 0, 0, 0, 0, .. new byte[100]];
        byte[] log = [1, .. "a line of the log"u8];
        byte[][] empty = [new byte[FlowRemovedEvent.Size], new byte[8], new byte[16], new byte[64]];
        return [writer.Finish(7).ToArray(), packetOut, trace, log, .. empty];
    }

    // Write cursor, read cursor, then memory: three messages of 0, 5 and 100 bytes, at the start and across the end of the ring.
    private static List<byte[]> RingImages()
    {
        var images = new List<byte[]>();
        foreach (ulong start in new ulong[] { 0, 4096 - 24, 1 << 20 })
        {
            byte[] image = new byte[RingCapacity + 16];
            ulong at = start;
            foreach (int length in new[] { 0, 5, 100 })
            {
                var head = new MessageHeader { Length = (uint)length, Type = MessageType.Log };
                byte[] bytes = new byte[MessageHeader.Size];
                MemoryMarshal.Write(bytes, in head);
                for (int i = 0; i < bytes.Length; i++)
                    image[16 + (int)((at + (ulong)i) % RingCapacity)] = bytes[i];
                at += (ulong)MessageHeader.Footprint(length);
            }
            MemoryMarshal.Write(image, at - start);
            MemoryMarshal.Write(image.AsSpan(8), in start);
            images.Add(image);
        }
        return images;
    }

    private static IEnumerable<byte[]> WithTypes(string json) =>
        Enumerable.Range(0, QueryTypes).Select(type => (byte[])[(byte)type, .. Encoding.UTF8.GetBytes(json)]);
}

/// <summary>A handler that does nothing, and complains about a null where the contract has none.</summary>
public class AnswersNothing : DispatchProxy
{
    private static readonly NullabilityInfoContext s_nullability = new();

    /// <inheritdoc/>
    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        foreach (object? argument in args ?? [])
            Check(argument, targetMethod!.Name);
        Type type = targetMethod!.ReturnType;
        return type.IsValueType && type != typeof(void) ? Activator.CreateInstance(type) : null;
    }

    private static void Check(object? value, string place)
    {
        Require(value is not null, $"{place} is handed null");
        Type type = value!.GetType();
        if (type.Namespace != typeof(PortSettings).Namespace)
            return;
        foreach (PropertyInfo property in type.GetProperties().Where(p => p.GetIndexParameters().Length == 0))
        {
            object? inner = property.GetValue(value);
            bool nullable;
            lock (s_nullability)
                nullable = s_nullability.Create(property).ReadState == NullabilityState.Nullable;
            if (!nullable)
                Check(inner, $"{place}: {property.Name}");
            if (inner is System.Collections.IEnumerable items and not string)
            {
                foreach (object? item in items)
                    Check(item, $"{place}: an item of {property.Name}");
            }
        }
    }
}
