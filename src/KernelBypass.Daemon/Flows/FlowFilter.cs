using System.Runtime.InteropServices;
using KernelBypass.Model.Flows;

namespace KernelBypass.Daemon.Flows;

/// <summary>Selects flows; every criterion given must fit. Reused for each flow, so it holds decoded keys.</summary>
internal sealed class FlowFilter
{
    private FlowKey _key;
    private FlowKey _mask;
    private bool _hasMatch;

    internal byte? TableId { get; init; }

    internal ushort? Priority { get; init; }

    internal ulong Cookie { get; init; }

    internal ulong CookieMask { get; init; }

    internal uint? OutPort { get; init; }

    /// <summary>Whether no flow is excluded.</summary>
    internal bool SelectsEverything =>
        TableId is null && Priority is null && CookieMask == 0 && OutPort is null && !_hasMatch;

    /// <summary>Only flows that this match covers: the same or more specific (OpenFlow 1.3.5, 6.4).</summary>
    /// <param name="items">A match section of the codec.</param>
    internal FlowSpecError SetMatch(ReadOnlySpan<byte> items)
    {
        var error = FlowSpecDecoder.DecodeMatch(items, ref _key, ref _mask);
        _hasMatch = error.IsOk && !items.IsEmpty;
        return error;
    }

    /// <summary>The filter of a loose modify or delete: its table, what its match covers, and its cookie under a mask.</summary>
    /// <param name="spec">The update's flow, valid.</param>
    /// <param name="cookieMask">0: any cookie.</param>
    internal static FlowFilter OfLoose(ReadOnlySpan<byte> spec, ulong cookieMask)
    {
        var head = MemoryMarshal.Read<FlowSpecHeader>(spec);
        var filter = new FlowFilter { TableId = head.TableId, Cookie = head.Cookie, CookieMask = cookieMask };
        filter.SetMatch(FlowSpecDecoder.Match(spec, head));
        return filter;
    }

    /// <summary>Whether a valid encoded flow is selected.</summary>
    internal bool Selects(ReadOnlySpan<byte> spec)
    {
        var head = MemoryMarshal.Read<FlowSpecHeader>(spec);
        if (TableId is { } table && head.TableId != table) return false;
        if (Priority is { } priority && head.Priority != priority) return false;
        if ((head.Cookie & CookieMask) != (Cookie & CookieMask)) return false;
        if (OutPort is { } port && !HasOutput(FlowSpecDecoder.Apply(spec, head), port)
            && !HasOutput(FlowSpecDecoder.Write(spec, head), port)) return false;
        return !_hasMatch || Covers(FlowSpecDecoder.Match(spec, head));
    }

    private bool Covers(ReadOnlySpan<byte> items)
    {
        FlowKey key = default, mask = default;
        if (!FlowSpecDecoder.DecodeMatch(items, ref key, ref mask).IsOk) return false;
        for (var i = 0; i < FlowKeyLayout.Words; i++)
        {
            if ((mask[i] & _mask[i]) != _mask[i] || (key[i] & _mask[i]) != _key[i]) return false;
        }

        return true;
    }

    private static bool HasOutput(ReadOnlySpan<byte> section, uint port)
    {
        var actions = new ActionReader(section);
        while (actions.MoveNext())
        {
            if (actions.Kind == ActionKind.Output && actions.Port == port) return true;
        }

        return false;
    }
}
