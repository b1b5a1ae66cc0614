namespace KernelBypass.Pipeline.Capture;

/// <summary>
/// Packets that a capture should have had but did not, by its number: shared by all lcores, as it is touched only when a capture
/// is already too slow. Numbers share a cell modulo its size.
/// </summary>
public sealed class CaptureMisses
{
    private const int Cells = 256;

    private readonly ulong[] _missed = new ulong[Cells];

    /// <summary>Missed by this capture since <see cref="Clear"/>.</summary>
    public ulong this[int id] => Volatile.Read(ref _missed[id & (Cells - 1)]);

    /// <summary>Begins a capture at zero.</summary>
    public void Clear(int id) => Volatile.Write(ref _missed[id & (Cells - 1)], 0);

    internal void Add(int id) => Interlocked.Increment(ref _missed[id & (Cells - 1)]);
}
