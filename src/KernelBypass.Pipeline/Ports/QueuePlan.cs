using System.Runtime.CompilerServices;
using KernelBypass.Dpdk;

namespace KernelBypass.Pipeline.Ports;

/// <summary>An rx queue as an lcore polls it.</summary>
/// <param name="DpdkPort">ethdev port id.</param>
/// <param name="Queue">Queue.</param>
/// <param name="Number">Port number.</param>
public readonly record struct RxQueue(ushort DpdkPort, ushort Queue, uint Number);

/// <summary>A port as an lcore sends to it.</summary>
public unsafe struct TxPort
{
    /// <summary>ethdev port id.</summary>
    public ushort DpdkPort;

    /// <summary>This lcore's own tx queue, when <see cref="HandOver"/> is null.</summary>
    public ushort Queue;

    /// <summary>False: administratively down.</summary>
    public bool Up;

    /// <summary>
    /// Some transmit offload is the device's: it must see the packets that ask for one first (rte_eth_tx_prepare).
    /// </summary>
    public bool Prepare;

    /// <summary>What the device lacks and software does.</summary>
    public PortOffload Missing;

    /// <summary>The rte_ring of the lcore that sends for this one, where the device has too few tx queues; else null.</summary>
    public void* HandOver;

    /// <summary>This lcore's counter of packets that found the port's queue full.</summary>
    public ulong* QueueFull;

    /// <summary>Packets gathered for this port in the present burst: room for <see cref="TxPlan.BufferSize"/>.</summary>
    public void** Buffer;

    /// <summary>How many.</summary>
    public int Buffered;

    /// <summary>What the gathered packets ask for: their offload flags, or-ed; bit 0 stands for several segments.</summary>
    public ulong Wishes;
}

/// <summary>
/// All ports as one lcore sends to them. Its set of ports never changes: the main lcore puts another plan in its place.
/// </summary>
public sealed unsafe class TxPlan
{
    /// <summary>Packets gathered for a port before they are sent.</summary>
    public const int BufferSize = 64;

    private readonly short[] _byNumber;
    private readonly nint[] _buffers;
    private readonly int[] _touched;

    /// <summary>Indexes the ports and gives each a buffer.</summary>
    public TxPlan(IReadOnlyList<(uint Number, TxPort Port)> ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        Ports = new TxPort[ports.Count];
        _touched = new int[ports.Count];
        _buffers = GC.AllocateArray<nint>(Math.Max(1, ports.Count * BufferSize), pinned: true);
        _byNumber = new short[ports.Count == 0 ? 1 : ports.Max(p => p.Number) + 1];
        Array.Fill(_byNumber, (short)-1);
        for (var i = 0; i < ports.Count; i++)
        {
            Ports[i] = ports[i].Port;
            Ports[i].Buffer = (void**)Unsafe.AsPointer(ref _buffers[i * BufferSize]);
            _byNumber[ports[i].Number] = (short)i;
        }
    }

    /// <summary>The ports, by index.</summary>
    public TxPort[] Ports { get; }

    /// <summary>Ports with packets in their buffer.</summary>
    public int[] Touched => _touched;

    /// <summary>Index of a port, or -1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int IndexOf(uint number)
    {
        var byNumber = _byNumber;
        return number < (uint)byNumber.Length ? byNumber[number] : -1;
    }
}
