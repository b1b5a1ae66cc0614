using KernelBypass.Model.Flows;

namespace KernelBypass.Pipeline.Capture;

/// <summary>Where a tap sits.</summary>
public enum CapturePoint : byte
{
    /// <summary>Packets as a port received them; with a filter: as parse left them.</summary>
    Receive = 1,

    /// <summary>Packets as they go to a port.</summary>
    Transmit = 2,

    /// <summary>Packets as they enter a stage.</summary>
    Stage = 3,

    /// <summary>Packets that are dropped, with their reason.</summary>
    Drops = 4,
}

/// <summary>What one capture wants. Several taps may have one <paramref name="Id"/>: a capture of many points.</summary>
/// <param name="Id">The caller's number, given back with each packet.</param>
/// <param name="Point">Where.</param>
/// <param name="Port">Receive and Transmit: the port, or 0 for all.</param>
/// <param name="Stage">Stage: its name.</param>
/// <param name="SnapLength">Bytes of each packet; 0: all.</param>
/// <param name="Filter">Key and mask, or null for all packets.</param>
public sealed record CaptureTap(int Id, CapturePoint Point, uint Port, string? Stage, uint SnapLength, KeyFilter? Filter);

/// <summary>A key and the bits of it that count.</summary>
public sealed class KeyFilter
{
    private FlowKey _key;
    private FlowKey _mask;

    /// <summary>Bits of <paramref name="key"/> outside <paramref name="mask"/> do not count.</summary>
    public KeyFilter(in FlowKey key, in FlowKey mask)
    {
        _mask = mask;
        for (var i = 0; i < FlowKeyLayout.Words; i++) _key[i] = key[i] & mask[i];
    }

    /// <summary>Whether a parsed packet's key fits.</summary>
    public bool Fits(in FlowKey key)
    {
        for (var i = 0; i < FlowKeyLayout.Words; i++)
        {
            if (_mask[i] != 0 && (key[i] & _mask[i]) != _key[i]) return false;
        }

        return true;
    }
}

/// <summary>A live trace of packets.</summary>
/// <param name="Id">The caller's number, given back in each record.</param>
/// <param name="Filter">Which packets, or null for all.</param>
public sealed record TraceFilter(uint Id, KeyFilter? Filter);
