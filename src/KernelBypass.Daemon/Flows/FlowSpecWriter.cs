using System.Buffers.Binary;
using System.Runtime.InteropServices;
using KernelBypass.Model.Flows;

namespace KernelBypass.Daemon.Flows;

/// <summary>
/// Encodes flows in canonical form, so that flows of one identity have equal bytes: match items in order of field number, values
/// padded to the field's width, whole masks left out. Reused from flow to flow; allocates nothing once warm. What is wrong with a
/// flow beyond what the codec can hold is kept in <see cref="Fault"/>; everything else is <see cref="FlowSpecDecoder"/>'s to find.
/// </summary>
internal sealed class FlowSpecWriter
{
    private const int MaxItems = 64;
    private readonly byte[] _match = new byte[MaxItems * 34];
    private readonly (byte Field, int Offset, int Length)[] _items = new (byte, int, int)[MaxItems];
    private byte[] _apply = new byte[256];
    private byte[] _write = new byte[256];
    private int _itemCount;
    private int _matchLength;
    private int _applyLength;
    private int _writeLength;

    /// <summary>Table, priority, cookie and the rest; lengths are filled in by <see cref="CopyTo"/>.</summary>
    internal FlowSpecHeader Head;

    /// <summary>What cannot be encoded, in words; null when all is well.</summary>
    internal string? Fault { get; private set; }

    /// <summary>Bytes of the whole flow.</summary>
    internal int Length => FlowSpecHeader.Size + _matchLength + _applyLength + _writeLength;

    /// <summary>Begins a flow.</summary>
    internal void Clear()
    {
        Head = new() { Version = FlowSpecHeader.CurrentVersion, GotoTable = FlowSpecHeader.NoGoto };
        _itemCount = _matchLength = _applyLength = _writeLength = 0;
        Fault = null;
    }

    /// <summary>Notes the first thing that is wrong.</summary>
    internal void Fail(string fault) => Fault ??= fault;

    /// <summary>Adds a match item.</summary>
    /// <param name="field">Field number.</param>
    /// <param name="value">Network order; leading zero bytes may be missing.</param>
    /// <param name="mask">Empty: exact. Otherwise as wide as the field.</param>
    internal void AddMatch(uint field, ReadOnlySpan<byte> value, ReadOnlySpan<byte> mask)
    {
        if (field > byte.MaxValue || MatchFieldCatalogue.Find((MatchField)field) is not { } declaration)
        {
            Fail($"match: no field has the number {field}");
            return;
        }

        var width = declaration.ValueBytes;
        if (value.Length > width) Fail($"match field '{declaration.Name}': the value has {value.Length} bytes, the field {width}");
        if (!mask.IsEmpty && mask.Length != width)
            Fail($"match field '{declaration.Name}': the mask has {mask.Length} bytes, it needs {width}");
        if (_itemCount == MaxItems) Fail($"match: more than {MaxItems} fields");
        if (Fault is not null) return;
        if (!mask.IsEmpty && FieldBits.IsAllOnes(declaration, mask)) mask = default;
        var item = _match.AsSpan(_matchLength, 2 + width * (mask.IsEmpty ? 1 : 2));
        item[0] = (byte)field;
        item[1] = mask.IsEmpty ? (byte)0 : (byte)1;
        Pad(value, item.Slice(2, width));
        mask.CopyTo(item[(2 + width)..]);
        Insert((byte)field, item.Length);
        _matchLength += item.Length;
    }

    /// <summary>Adds an output action.</summary>
    internal void AddOutput(bool write, uint port, uint maxLength)
    {
        var payload = Action(write, ActionKind.Output, 6);
        BinaryPrimitives.WriteUInt32LittleEndian(payload, port);
        BinaryPrimitives.WriteUInt16LittleEndian(payload[4..], maxLength is 0 or > ushort.MaxValue ? ushort.MaxValue : (ushort)maxLength);
    }

    /// <summary>Adds a set-field action; the value may lack leading zero bytes.</summary>
    internal void AddSetField(bool write, uint field, ReadOnlySpan<byte> value)
    {
        if (field > byte.MaxValue || MatchFieldCatalogue.Find((MatchField)field) is not { } declaration)
        {
            Fail($"set_field: no field has the number {field}");
            return;
        }

        if (value.Length > declaration.ValueBytes)
        {
            Fail($"set_field '{declaration.Name}': the value has {value.Length} bytes, the field {declaration.ValueBytes}");
            return;
        }

        var payload = Action(write, ActionKind.SetField, 1 + declaration.ValueBytes);
        payload[0] = (byte)field;
        Pad(value, payload[1..]);
    }

    /// <summary>Adds a push-VLAN action.</summary>
    internal void AddPushVlan(bool write, uint tpid) => BinaryPrimitives.WriteUInt16LittleEndian(
        Action(write, ActionKind.PushVlan, 2), tpid > ushort.MaxValue ? (ushort)0 : (ushort)tpid);

    /// <summary>Adds an action without payload; <see cref="ActionKind.None"/> stands for one that nobody knows.</summary>
    internal void AddPlain(bool write, ActionKind kind) => Action(write, kind, 0);

    /// <summary>The apply-actions so far.</summary>
    internal ReadOnlySpan<byte> ApplyActions => _apply.AsSpan(0, _applyLength);

    /// <summary>Writes the flow into a buffer of at least <see cref="Length"/> bytes.</summary>
    internal void CopyTo(Span<byte> spec)
    {
        if (_matchLength > ushort.MaxValue || _applyLength > ushort.MaxValue || _writeLength > ushort.MaxValue)
        {
            Fail("the actions take more than 65,535 bytes");
            return;
        }

        Head.MatchBytes = (ushort)_matchLength;
        Head.ApplyBytes = (ushort)_applyLength;
        Head.WriteBytes = (ushort)_writeLength;
        MemoryMarshal.Write(spec, in Head);
        CopyMatchTo(spec[FlowSpecHeader.Size..]);
        _apply.AsSpan(0, _applyLength).CopyTo(spec[(FlowSpecHeader.Size + _matchLength)..]);
        _write.AsSpan(0, _writeLength).CopyTo(spec[(FlowSpecHeader.Size + _matchLength + _applyLength)..]);
    }

    /// <summary>The match section alone.</summary>
    internal byte[] MatchToArray()
    {
        var items = new byte[_matchLength];
        CopyMatchTo(items);
        return items;
    }

    /// <summary>Encodes a flow that was parsed from text.</summary>
    internal static byte[] Encode(FlowSpec flow)
    {
        var plain = flow.Encode();
        var head = MemoryMarshal.Read<FlowSpecHeader>(plain);
        var writer = new FlowSpecWriter();
        writer.Clear();
        writer.Head = head;
        // A mask of zeros says nothing, and a flow's text may hold one.
        foreach (var item in flow.Match.Where(item => item.Mask?.AsSpan().IndexOfAnyExcept((byte)0) != -1 || item.Mask is null))
            writer.AddMatch((uint)item.Field, item.Value, item.Mask);
        FlowSpecDecoder.Apply(plain, head).CopyTo(writer.Raw(write: false, head.ApplyBytes));
        FlowSpecDecoder.Write(plain, head).CopyTo(writer.Raw(write: true, head.WriteBytes));
        var spec = new byte[writer.Length];
        writer.CopyTo(spec);
        return spec;
    }

    private void CopyMatchTo(Span<byte> section)
    {
        foreach (var (_, offset, length) in _items.AsSpan(0, _itemCount))
        {
            _match.AsSpan(offset, length).CopyTo(section);
            section = section[length..];
        }
    }

    private void Insert(byte field, int length)
    {
        var at = _itemCount++;
        for (; at > 0 && _items[at - 1].Field > field; at--) _items[at] = _items[at - 1];
        _items[at] = (field, _matchLength, length);
    }

    private Span<byte> Action(bool write, ActionKind kind, int length)
    {
        var action = Raw(write, 2 + length);
        action[0] = (byte)kind;
        action[1] = (byte)length;
        return action[2..];
    }

    private Span<byte> Raw(bool write, int length)
    {
        ref var bytes = ref write ? ref _write : ref _apply;
        ref var used = ref write ? ref _writeLength : ref _applyLength;
        if (used + length > bytes.Length) Array.Resize(ref bytes, Math.Max(bytes.Length * 2, used + length));
        used += length;
        return bytes.AsSpan(used - length, length);
    }

    private static void Pad(ReadOnlySpan<byte> value, Span<byte> place)
    {
        place[..^value.Length].Clear();
        value.CopyTo(place[^value.Length..]);
    }
}
