using System.Globalization;
using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Counters;

namespace KernelBypass.Pipeline.Ports;

/// <summary>A port's exported counters, written by the main lcore from what the device tells.</summary>
internal sealed unsafe class PortCounters
{
    private const int Main = -1;

    private readonly CounterRegister _register;
    private readonly string _name;
    private readonly nint[] _port;
    private readonly nint[] _queues;
    private readonly QueueStats[] _queueStats;
    private readonly List<int> _lcores = [];

    internal PortCounters(CounterRegister register, string name, int queues)
    {
        _register = register;
        _name = name;
        _queueStats = new QueueStats[Math.Min(queues, QueueStats.MaxQueues)];
        _port = [.. PortMetrics.OfPort.Select(m => (nint)register.Get(Main, m, name))];
        _queues = new nint[_queueStats.Length * PortMetrics.OfQueue.Length];
        for (var i = 0; i < _queues.Length; i++)
        {
            var queue = (i / PortMetrics.OfQueue.Length).ToString(CultureInfo.InvariantCulture);
            _queues[i] = (nint)register.Get(Main, PortMetrics.OfQueue[i % PortMetrics.OfQueue.Length], name, queue);
        }
    }

    /// <summary>An lcore's own counter of packets that found the tx queue full.</summary>
    internal ulong* TxQueueFull(int lcore)
    {
        if (!_lcores.Contains(lcore)) _lcores.Add(lcore);
        return _register.Get(lcore, PortMetrics.TxQueueFull, _name, lcore.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Packets that found the tx queue full, over all lcores.</summary>
    internal ulong TxQueueFullSum()
    {
        var sum = 0ul;
        foreach (var lcore in _lcores) sum += Volatile.Read(ref *TxQueueFull(lcore));
        return sum;
    }

    /// <summary>Copies the device's counters. Allocates nothing.</summary>
    internal void Refresh(Port port, bool linkUp)
    {
        port.GetStats(out var stats);
        ReadOnlySpan<ulong> values =
        [
            stats.RxPackets, stats.RxBytes, stats.TxPackets, stats.TxBytes, stats.RxMissed, stats.RxErrors, stats.RxNoMbuf,
            stats.TxErrors, linkUp ? 1ul : 0,
        ];
        for (var i = 0; i < values.Length; i++) Volatile.Write(ref *(ulong*)_port[i], values[i]);
        port.GetQueueStats(_queueStats);
        for (var q = 0; q < _queueStats.Length; q++)
        {
            ref readonly var queue = ref _queueStats[q];
            var at = q * PortMetrics.OfQueue.Length;
            Volatile.Write(ref *(ulong*)_queues[at], queue.RxPackets);
            Volatile.Write(ref *(ulong*)_queues[at + 1], queue.RxBytes);
            Volatile.Write(ref *(ulong*)_queues[at + 2], queue.TxPackets);
            Volatile.Write(ref *(ulong*)_queues[at + 3], queue.TxBytes);
        }
    }

    /// <summary>The port is gone, and no lcore counts for it any more.</summary>
    internal void Remove()
    {
        foreach (var metric in PortMetrics.OfPort) _register.Remove(Main, metric, _name);
        for (var q = 0; q < _queueStats.Length; q++)
        {
            var queue = q.ToString(CultureInfo.InvariantCulture);
            foreach (var metric in PortMetrics.OfQueue) _register.Remove(Main, metric, _name, queue);
        }

        foreach (var lcore in _lcores)
            _register.Remove(lcore, PortMetrics.TxQueueFull, _name, lcore.ToString(CultureInfo.InvariantCulture));
    }
}
