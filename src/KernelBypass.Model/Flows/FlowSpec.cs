using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace KernelBypass.Model.Flows;

/// <summary>One item of a match: value and mask in network order; a null mask is an exact match.</summary>
public sealed record MatchItem(MatchField Field, byte[] Value, byte[]? Mask = null);

/// <summary>One action with its payload as in the codec.</summary>
public sealed record FlowAction(ActionKind Kind, byte[] Payload)
{
    /// <summary>Output to a port; <paramref name="maxLength"/> counts for the controller only.</summary>
    public static FlowAction Output(uint port, ushort maxLength = 0xffff)
    {
        var payload = new byte[6];
        BinaryPrimitives.WriteUInt32LittleEndian(payload, port);
        BinaryPrimitives.WriteUInt16LittleEndian(payload.AsSpan(4), maxLength);
        return new(ActionKind.Output, payload);
    }

    /// <summary>Drop the packet.</summary>
    public static FlowAction Drop { get; } = new(ActionKind.Drop, []);

    /// <summary>Write a header field.</summary>
    public static FlowAction SetField(MatchField field, byte[] value) => new(ActionKind.SetField, [(byte)field, .. value]);

    /// <summary>Push a VLAN tag.</summary>
    public static FlowAction PushVlan(ushort tpid) => new(ActionKind.PushVlan, BitConverter.GetBytes(tpid));

    /// <summary>Pop the outermost VLAN tag.</summary>
    public static FlowAction PopVlan { get; } = new(ActionKind.PopVlan, []);

    /// <summary>Decrement the TTL or hop limit.</summary>
    public static FlowAction DecTtl { get; } = new(ActionKind.DecTtl, []);
}

/// <summary>A flow as an object, for the control plane and tests; <see cref="Encode"/> makes what the data plane reads.</summary>
public sealed class FlowSpec
{
    public byte TableId { get; init; }
    public ushort Priority { get; init; }
    public FlowFlags Flags { get; init; }
    public ulong Cookie { get; init; }
    public uint IdleTimeoutSeconds { get; init; }
    public uint HardTimeoutSeconds { get; init; }
    public ulong MetadataValue { get; init; }
    public ulong MetadataMask { get; init; }

    /// <summary>The table to go on in, or null.</summary>
    public byte? GotoTable { get; init; }
    public bool ClearActions { get; init; }
    public IReadOnlyList<MatchItem> Match { get; init; } = [];
    public IReadOnlyList<FlowAction> ApplyActions { get; init; } = [];
    public IReadOnlyList<FlowAction> WriteActions { get; init; } = [];

    /// <summary>The codec's bytes (see <see cref="FlowSpecHeader"/>). Match items are put in order of field number, so that
    /// equal matches have equal bytes.</summary>
    /// <exception cref="ArgumentException">A section is longer than 65,535 bytes or a payload than 255.</exception>
    public byte[] Encode()
    {
        var match = new List<byte>();
        foreach (var item in Match.OrderBy(item => item.Field))
        {
            match.Add((byte)item.Field);
            match.Add(item.Mask is null ? (byte)0 : (byte)1);
            match.AddRange(item.Value);
            if (item.Mask is { } mask) match.AddRange(mask);
        }

        var apply = EncodeActions(ApplyActions);
        var write = EncodeActions(WriteActions);
        if (Math.Max(match.Count, Math.Max(apply.Length, write.Length)) > ushort.MaxValue)
            throw new ArgumentException("a section of the flow is longer than 65,535 bytes");
        var head = new FlowSpecHeader
        {
            Version = FlowSpecHeader.CurrentVersion,
            TableId = TableId,
            Priority = Priority,
            Flags = Flags,
            Cookie = Cookie,
            IdleTimeoutSeconds = IdleTimeoutSeconds,
            HardTimeoutSeconds = HardTimeoutSeconds,
            MetadataValue = MetadataValue,
            MetadataMask = MetadataMask,
            GotoTable = GotoTable ?? FlowSpecHeader.NoGoto,
            ClearActions = ClearActions ? (byte)1 : (byte)0,
            MatchBytes = (ushort)match.Count,
            ApplyBytes = (ushort)apply.Length,
            WriteBytes = (ushort)write.Length,
        };
        var bytes = new byte[head.TotalBytes];
        MemoryMarshal.Write(bytes, in head);
        match.CopyTo(bytes, FlowSpecHeader.Size);
        apply.CopyTo(bytes, FlowSpecHeader.Size + match.Count);
        write.CopyTo(bytes, FlowSpecHeader.Size + match.Count + apply.Length);
        return bytes;
    }

    /// <summary>Reads an encoded flow back.</summary>
    /// <exception cref="FormatException">The bytes are not a valid flow; the message is <see cref="FlowSpecError.Describe"/>.</exception>
    public static FlowSpec Decode(ReadOnlySpan<byte> spec)
    {
        FlowKey key = default, mask = default;
        var limits = new FlowLimits(byte.MaxValue, int.MaxValue);
        var error = FlowSpecDecoder.TryDecode(spec, limits, out var head, ref key, ref mask);
        if (!error.IsOk) throw new FormatException(error.Describe());
        return new FlowSpec
        {
            TableId = head.TableId,
            Priority = head.Priority,
            Flags = head.Flags,
            Cookie = head.Cookie,
            IdleTimeoutSeconds = head.IdleTimeoutSeconds,
            HardTimeoutSeconds = head.HardTimeoutSeconds,
            MetadataValue = head.MetadataValue,
            MetadataMask = head.MetadataMask,
            GotoTable = head.GotoTable == FlowSpecHeader.NoGoto ? null : head.GotoTable,
            ClearActions = head.ClearActions != 0,
            Match = DecodeMatch(FlowSpecDecoder.Match(spec, head)),
            ApplyActions = DecodeActions(FlowSpecDecoder.Apply(spec, head)),
            WriteActions = DecodeActions(FlowSpecDecoder.Write(spec, head)),
        };
    }

    private static byte[] EncodeActions(IReadOnlyList<FlowAction> actions)
    {
        var bytes = new List<byte>();
        foreach (var action in actions)
        {
            if (action.Payload.Length > byte.MaxValue) throw new ArgumentException("an action's payload is longer than 255 bytes");
            bytes.Add((byte)action.Kind);
            bytes.Add((byte)action.Payload.Length);
            bytes.AddRange(action.Payload);
        }

        return [.. bytes];
    }

    private static List<MatchItem> DecodeMatch(ReadOnlySpan<byte> items)
    {
        var match = new List<MatchItem>();
        while (!items.IsEmpty)
        {
            var width = MatchFieldCatalogue.Find((MatchField)items[0])!.ValueBytes;
            var masked = items[1] == 1;
            match.Add(new((MatchField)items[0], items.Slice(2, width).ToArray(), masked ? items.Slice(2 + width, width).ToArray() : null));
            items = items[(2 + width * (masked ? 2 : 1))..];
        }

        return match;
    }

    private static List<FlowAction> DecodeActions(ReadOnlySpan<byte> section)
    {
        var actions = new List<FlowAction>();
        var reader = new ActionReader(section);
        while (reader.MoveNext()) actions.Add(new(reader.Kind, reader.Payload.ToArray()));
        return actions;
    }
}
