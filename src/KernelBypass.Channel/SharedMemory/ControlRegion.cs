using System.Numerics;

namespace KernelBypass.Channel.SharedMemory;

/// <summary>control.shm, mapped: its head and its rings' places, which are checked once against the file's size and
/// kept.</summary>
internal sealed unsafe class ControlRegion : IDisposable
{
    private readonly SharedRegion _region;
    private readonly (ulong Offset, ulong Capacity)[] _places;

    private ControlRegion(SharedRegion region, (ulong, ulong)[] places)
    {
        _region = region;
        _places = places;
    }

    private ControlLayout* Head => (ControlLayout*)_region.Start;

    /// <summary>Process id of the data plane that made the file.</summary>
    internal int DataPlanePid => (int)Head->DataPlanePid;

    /// <summary>When the data plane made the file, Unix nanoseconds; tells one data plane from the next.</summary>
    internal long StartedUnixNs => Head->StartedUnixNs;

    internal DataPlaneState State
    {
        get => (DataPlaneState)Volatile.Read(ref Head->State);
        set => Volatile.Write(ref Head->State, (uint)value);
    }

    internal ref uint AcknowledgedEpoch => ref Head->AcknowledgedEpoch;

    internal ref uint ClosedEpoch => ref Head->ClosedEpoch;

    internal ref uint RequestedEpoch => ref Head->RequestedEpoch;

    internal ref uint DataPlaneWaits => ref Head->DataPlaneWaits;

    internal ref uint DaemonWaits => ref Head->DaemonWaits;

    internal ref uint DaemonPid => ref Head->DaemonPid;

    /// <summary>Makes the file, for the data plane.</summary>
    internal static ControlRegion Create(string path, ChannelOptions options)
    {
        options.Validate();
        var places = new (ulong Offset, ulong Capacity)[ControlLayout.Rings];
        ulong next = ControlLayout.PageBytes;
        for (var i = 0; i < places.Length; i++)
        {
            places[i] = (next, (ulong)options.RingBytes[i]);
            next += ControlLayout.RingHeadBytes + places[i].Capacity;
        }

        var region = SharedRegion.Create(path, (long)next, reserve: true, mode: 0x1B0, made =>
        {
            var head = (ControlLayout*)made.Start;
            head->Magic = ControlLayout.MagicValue;
            head->Version = ControlLayout.CurrentVersion;
            head->HeadBytes = (uint)sizeof(ControlLayout);
            head->FileBytes = next;
            head->DataPlanePid = (uint)Environment.ProcessId;
            head->StartedUnixNs = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;
            for (var i = 0; i < places.Length; i++)
            {
                head->RingPlaces[2 * i] = places[i].Offset;
                head->RingPlaces[2 * i + 1] = places[i].Capacity;
            }
        });
        return new ControlRegion(region, places);
    }

    /// <summary>Maps the file, for the daemon.</summary>
    /// <exception cref="ChannelException">It is absent, of another release, or its rings do not fit it.</exception>
    internal static ControlRegion Open(string path)
    {
        var region = SharedRegion.Open(path, ControlLayout.PageBytes, writable: true);
        try
        {
            return new ControlRegion(region, CheckHead(region, path));
        }
        catch
        {
            region.Dispose();
            throw;
        }
    }

    internal SharedRingWriter Writer(RingId ring)
    {
        var (offset, capacity) = _places[(int)ring];
        return new SharedRingWriter(
            (RingCursors*)(_region.Start + offset), _region.Start + offset + ControlLayout.RingHeadBytes, capacity);
    }

    internal SharedRingReader Reader(RingId ring)
    {
        var (offset, capacity) = _places[(int)ring];
        return new SharedRingReader(
            (RingCursors*)(_region.Start + offset), _region.Start + offset + ControlLayout.RingHeadBytes, capacity);
    }

    /// <summary>Empties every ring. Only while the other side keeps away: between its request for an epoch and our
    /// answer.</summary>
    internal void ResetRings()
    {
        foreach (var (offset, _) in _places)
        {
            var cursors = (RingCursors*)(_region.Start + offset);
            Volatile.Write(ref cursors->Write, 0);
            Volatile.Write(ref cursors->Read, 0);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _region.Dispose();

    private static (ulong, ulong)[] CheckHead(SharedRegion region, string path)
    {
        var head = *(ControlLayout*)region.Start;
        if (head.Magic != ControlLayout.MagicValue) throw new ChannelException($"'{path}' is not a KernelBypass control channel");
        if (head.Version != ControlLayout.CurrentVersion)
        {
            throw new ChannelException(
                $"'{path}' has channel version {head.Version}, this process speaks {ControlLayout.CurrentVersion}: "
                + "run kernelbypassd and kernelbypass-dataplane of one release, restarting the data plane");
        }

        if (head.HeadBytes != sizeof(ControlLayout) || head.FileBytes != (ulong)region.Bytes)
            throw new ChannelException($"'{path}' has another layout than this release's: restart the data plane");
        var places = new (ulong, ulong)[ControlLayout.Rings];
        for (var i = 0; i < places.Length; i++)
        {
            var (offset, capacity) = (head.RingPlaces[2 * i], head.RingPlaces[2 * i + 1]);
            var fits = capacity <= head.FileBytes && offset <= head.FileBytes - capacity
                && offset + ControlLayout.RingHeadBytes <= head.FileBytes - capacity;
            if (!fits || offset % 64 != 0 || capacity < ChannelOptions.MinRingBytes || !BitOperations.IsPow2(capacity))
                throw new ChannelException($"'{path}': ring {(RingId)i} does not fit the file");
            places[i] = (offset, capacity);
        }

        return places;
    }
}
