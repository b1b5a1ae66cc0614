using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>
/// The rx queues that an idle lcore sleeps on. The order that loses no wake: <see cref="Arm"/>, poll every queue once more
/// (what came before arming raises no interrupt), <see cref="Wait"/> if all were empty, <see cref="Disarm"/>.
/// </summary>
public sealed unsafe class RxInterruptSet : IDisposable
{
    private void* _set;

    /// <summary>Makes an empty set.</summary>
    public RxInterruptSet()
    {
        int error;
        _set = Kb.kb_interrupt_create(&error);
        if (_set is null)
            throw DpdkException.From("An rx interrupt set cannot be made", error);
    }

    /// <summary>
    /// Adds a queue of a started port that was configured with <see cref="PortOptions.RxInterrupts"/>. False when the driver has
    /// none: that queue must be polled.
    /// </summary>
    public bool TryAdd(Port port, ushort queue)
    {
        ArgumentNullException.ThrowIfNull(port);
        const int NotSupported = 95;
        int error = Kb.kb_interrupt_add(_set, port.Id, queue);
        if (error == -NotSupported)
            return false;
        DpdkException.Check(
            error, $"Port {port.Name}: rx interrupt of queue {queue}", "Was it configured with RxInterrupts and started?");
        return true;
    }

    /// <summary>Takes a queue out, before its port is stopped.</summary>
    public void Remove(Port port, ushort queue)
    {
        ArgumentNullException.ThrowIfNull(port);
        DpdkException.Check(
            Kb.kb_interrupt_remove(_set, port.Id, queue), $"Port {port.Name}: removal of the rx interrupt of queue {queue}");
    }

    /// <summary>Enables the interrupts; 0, or a negative errno.</summary>
    public int Arm() => Kb.kb_interrupt_arm(_set);

    /// <summary>Disables the interrupts; 0, or a negative errno.</summary>
    public int Disarm() => Kb.kb_interrupt_disarm(_set);

    /// <summary>
    /// Sleeps until a queue interrupts, <see cref="Wake"/>, or the time is over: the number of causes, 0 for time-out, or a
    /// negative errno (-4 EINTR: a signal).
    /// </summary>
    public int Wait(int timeoutMs) => Kb.kb_interrupt_wait(_set, timeoutMs);

    /// <summary>Ends a <see cref="Wait"/>, the present or the next one, from any thread.</summary>
    public void Wake() => DpdkException.Check(Kb.kb_interrupt_wake(_set), "A lcore cannot be woken");

    /// <summary>Gives everything back; no lcore may wait on it.</summary>
    public void Dispose()
    {
        if (_set is null)
            return;
        Kb.kb_interrupt_free(_set);
        _set = null;
    }
}
