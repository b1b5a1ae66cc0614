using System.Runtime.InteropServices;
using KernelBypass.Channel.Client;
using KernelBypass.Channel.Messages;
using KernelBypass.Model.Flows;

namespace KernelBypass.Daemon.Flows;

/// <summary>Commands that are to go to the data plane together, each with the update it came from. Reused.</summary>
internal sealed class FlowPlan
{
    /// <summary>One command. <see cref="Index"/> is the store's index of the flow it changes; none for an add.</summary>
    internal readonly record struct Command(MessageType Type, int Update, int Index, int Offset, int Length);

    private readonly List<Command> _commands = [];
    private readonly HashSet<uint> _touched = [];
    private byte[] _specs = new byte[64 * 1024];
    private int _used;

    /// <summary>What is sent.</summary>
    internal FlowCommandBuffer Buffer { get; } = new();

    internal int Count => _commands.Count;

    /// <summary>An upper bound of the journal record's bytes.</summary>
    internal int JournalBytes => _used + _commands.Count * Journal.JournalFormat.ChangeHeadBytes + 64;

    internal Command this[int index] => _commands[index];

    internal ReadOnlySpan<byte> Spec(int index) => _specs.AsSpan(_commands[index].Offset, _commands[index].Length);

    internal void Clear()
    {
        Buffer.Clear();
        _commands.Clear();
        _touched.Clear();
        _used = 0;
    }

    /// <summary>Whether a planned command may concern a flow of this identity's hash.</summary>
    internal bool Touches(uint hash) => _touched.Count > 0 && _touched.Contains(hash);

    internal void Add(int update, uint hash, ReadOnlySpan<byte> spec)
    {
        Note(MessageType.FlowAdd, update, FlowStore.None, spec);
        _touched.Add(hash);
        Buffer.Add(spec);
    }

    internal void Modify(int update, uint hash, int index, FlowHandle handle, ReadOnlySpan<byte> spec)
    {
        Note(MessageType.FlowModify, update, index, spec);
        _touched.Add(hash);
        Buffer.Modify(handle, spec);
    }

    /// <summary>Plans a delete; the spec is kept for watchers and the journal.</summary>
    internal void Delete(int update, uint hash, int index, FlowHandle handle, ReadOnlySpan<byte> spec)
    {
        Note(MessageType.FlowDelete, update, index, spec);
        _touched.Add(hash);
        Buffer.Delete(handle);
    }

    private void Note(MessageType type, int update, int index, ReadOnlySpan<byte> spec)
    {
        if (_used + spec.Length > _specs.Length) Array.Resize(ref _specs, Math.Max(_specs.Length * 2, _used + spec.Length));
        spec.CopyTo(_specs.AsSpan(_used));
        _commands.Add(new(type, update, index, _used, spec.Length));
        _used += spec.Length;
    }

    /// <summary>A flow with the instructions of another: cookie, timeouts, flags and match stay (OpenFlow 1.3.5, 6.4).</summary>
    internal static byte[] WithInstructions(ReadOnlySpan<byte> flow, ReadOnlySpan<byte> instructions)
    {
        var head = MemoryMarshal.Read<FlowSpecHeader>(flow);
        var other = MemoryMarshal.Read<FlowSpecHeader>(instructions);
        head.MetadataValue = other.MetadataValue;
        head.MetadataMask = other.MetadataMask;
        head.GotoTable = other.GotoTable;
        head.ClearActions = other.ClearActions;
        head.ApplyBytes = other.ApplyBytes;
        head.WriteBytes = other.WriteBytes;
        var spec = new byte[head.TotalBytes];
        MemoryMarshal.Write(spec, in head);
        FlowSpecDecoder.Match(flow, head).CopyTo(spec.AsSpan(FlowSpecHeader.Size));
        instructions[(FlowSpecHeader.Size + other.MatchBytes)..].CopyTo(spec.AsSpan(FlowSpecHeader.Size + head.MatchBytes));
        return spec;
    }
}
