using KernelBypass.Channel;
using KernelBypass.Channel.Messages;
using KernelBypass.Daemon.Configuration;
using KernelBypass.Daemon.Hosting;

namespace KernelBypass.Daemon.DataPlane;

/// <summary>
/// The ports as they are to be: those of the configuration and those that clients attached, with their numbers, to be attached again
/// in a data plane that starts anew.
/// </summary>
internal sealed class PortManager(int maxPorts, ILogger<PortManager> log) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Dictionary<string, PortSettings> _wanted = [];

    /// <summary>Ports wanted.</summary>
    internal int Count => _wanted.Count;

    /// <summary>Takes the configuration's ports as wanted.</summary>
    internal void Seed(IEnumerable<PortConfig> ports)
    {
        foreach (var port in ports) _wanted[port.Name] = SettingsOf(port);
    }

    /// <summary>
    /// Attaches what is missing in a data plane, changes what differs, and remembers what else is there. What is attached stays
    /// administratively down until <see cref="BringUpAsync"/>: packets must not meet tables that are still empty.
    /// </summary>
    internal async Task RestoreAsync(DataPlaneSession session, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var present = (await session.Control.PortsAsync(cancellation).ConfigureAwait(false)).Ports.ToDictionary(port => port.Settings.Name);
            foreach (var wanted in _wanted.Values.OrderBy(port => port.Number == 0).ToList())
            {
                if (!present.TryGetValue(wanted.Name, out var port))
                {
                    await TryAttachAsync(session, wanted, cancellation, down: true).ConfigureAwait(false);
                    continue;
                }

                // One that is down, and is to be up, may wait for the flows too.
                var adjusted = port.Settings.AdminDown ? wanted with { AdminDown = true } : wanted;
                await AdjustAsync(session, port.Settings, adjusted, cancellation).ConfigureAwait(false);
            }

            foreach (var port in present.Values.Where(port => !_wanted.ContainsKey(port.Settings.Name)))
                _wanted[port.Settings.Name] = port.Settings;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Brings up what <see cref="RestoreAsync"/> left down and should be up.</summary>
    internal async Task BringUpAsync(DataPlaneSession session, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var present = (await session.Control.PortsAsync(cancellation).ConfigureAwait(false)).Ports;
            foreach (var port in present.Select(port => port.Settings).Where(port => port.AdminDown))
            {
                if (_wanted.TryGetValue(port.Name, out var wanted) && !wanted.AdminDown)
                    await TrySetAsync(session, new() { Port = port.Name, AdminDown = false }, "brought up", cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Attaches a port for a client.</summary>
    /// <exception cref="CommandException">The data plane refuses.</exception>
    internal async Task<PortDescription> AttachAsync(DataPlaneSession session, PortSettings settings, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (_wanted.Count >= maxPorts && !_wanted.ContainsKey(settings.Name))
                throw new CommandException(CommandErrorCode.ResourceExhausted, $"there are limits.ports ({maxPorts}) ports: detach one, or raise the limit");
            var port = await session.Control.AttachPortAsync(settings, cancellation).ConfigureAwait(false);
            _wanted[settings.Name] = settings with { Number = port.Settings.Number };
            return port;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Detaches a port for a client.</summary>
    /// <exception cref="CommandException">The data plane refuses.</exception>
    internal async Task DetachAsync(DataPlaneSession session, string name, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await session.Control.DetachPortAsync(name, cancellation).ConfigureAwait(false);
            var known = _wanted.Values.FirstOrDefault(port => port.Name == name || port.Number.ToString(null, null) == name);
            if (known is not null) _wanted.Remove(known.Name);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Changes a port for a client.</summary>
    /// <exception cref="CommandException">The data plane refuses.</exception>
    internal async Task<PortDescription> SetAsync(DataPlaneSession session, PortChange change, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var port = await session.Control.SetPortAsync(change, cancellation).ConfigureAwait(false);
            var name = port.Settings.Name;
            if (_wanted.TryGetValue(name, out var wanted)) _wanted[name] = Changed(wanted, change);
            return port;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Takes over a changed configuration; failures are logged, and the other ports go on.</summary>
    internal async Task ReloadAsync(
        DataPlaneSession session, IReadOnlyList<PortConfig> before, IReadOnlyList<PortConfig> after, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            foreach (var old in before)
            {
                var stays = after.FirstOrDefault(port => port.Name == old.Name);
                if (stays is not null && stays.SameDevice(old)) continue;
                await TryDetachAsync(session, old.Name, cancellation).ConfigureAwait(false);
            }

            foreach (var port in after)
            {
                var old = before.FirstOrDefault(other => other.Name == port.Name);
                if (old == port) continue;
                var number = _wanted.TryGetValue(port.Name, out var known) ? known.Number : 0;
                var settings = SettingsOf(port);
                if (settings.Number == 0) settings = settings with { Number = number };
                if (old is null || !port.SameDevice(old)) await TryAttachAsync(session, settings, cancellation).ConfigureAwait(false);
                else await AdjustAsync(session, SettingsOf(old), settings, cancellation).ConfigureAwait(false);
                _wanted[port.Name] = settings;
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task TryAttachAsync(
        DataPlaneSession session, PortSettings settings, CancellationToken cancellation, bool down = false)
    {
        try
        {
            var attached = down ? settings with { AdminDown = true } : settings;
            var port = await session.Control.AttachPortAsync(attached, cancellation).ConfigureAwait(false);
            _wanted[settings.Name] = settings with { Number = port.Settings.Number };
            log.PortDone(settings.Name, $"attached as number {port.Settings.Number}");
        }
        catch (CommandException e)
        {
            log.PortFailed(settings.Name, "attached", e.Message);
        }
    }

    private async Task TryDetachAsync(DataPlaneSession session, string name, CancellationToken cancellation)
    {
        try
        {
            await session.Control.DetachPortAsync(name, cancellation).ConfigureAwait(false);
            log.PortDone(name, "detached");
        }
        catch (CommandException e)
        {
            log.PortFailed(name, "detached", e.Message);
        }

        _wanted.Remove(name);
    }

    private async Task AdjustAsync(DataPlaneSession session, PortSettings present, PortSettings wanted, CancellationToken cancellation)
    {
        var change = new PortChange
        {
            Port = wanted.Name,
            Mtu = wanted.Mtu != 0 && wanted.Mtu != present.Mtu ? wanted.Mtu : null,
            Promiscuous = wanted.Promiscuous != present.Promiscuous ? wanted.Promiscuous : null,
            Allmulticast = wanted.Allmulticast != present.Allmulticast ? wanted.Allmulticast : null,
            Mac = wanted.Mac.Length > 0 && !string.Equals(wanted.Mac, present.Mac, StringComparison.OrdinalIgnoreCase) ? wanted.Mac : null,
            NoFlood = wanted.NoFlood != present.NoFlood ? wanted.NoFlood : null,
            AdminDown = wanted.AdminDown != present.AdminDown ? wanted.AdminDown : null,
        };
        if (change == new PortChange { Port = wanted.Name }) return;
        await TrySetAsync(session, change, "changed", cancellation).ConfigureAwait(false);
    }

    private async Task TrySetAsync(DataPlaneSession session, PortChange change, string done, CancellationToken cancellation)
    {
        try
        {
            await session.Control.SetPortAsync(change, cancellation).ConfigureAwait(false);
            log.PortDone(change.Port, done);
        }
        catch (CommandException e)
        {
            log.PortFailed(change.Port, done, e.Message);
        }
    }

    private static PortSettings Changed(PortSettings settings, PortChange change) => settings with
    {
        Mtu = change.Mtu ?? settings.Mtu,
        Promiscuous = change.Promiscuous ?? settings.Promiscuous,
        Allmulticast = change.Allmulticast ?? settings.Allmulticast,
        Mac = change.Mac ?? settings.Mac,
        NoFlood = change.NoFlood ?? settings.NoFlood,
        AdminDown = change.AdminDown ?? settings.AdminDown,
    };

    private static PortSettings SettingsOf(PortConfig port) => new()
    {
        Name = port.Name,
        Number = (uint)port.Number,
        Device = port.Device,
        RxQueues = (uint)port.RxQueues,
        TxQueues = (uint)port.TxQueues,
        RxDescriptors = (uint)port.RxDescriptors,
        TxDescriptors = (uint)port.TxDescriptors,
        Mtu = (uint)port.Mtu,
        Promiscuous = port.Promiscuous,
        Allmulticast = port.Allmulticast,
        Mac = port.Mac,
        NoFlood = port.NoFlood,
        AdminDown = port.AdminDown,
    };

    public void Dispose() => _gate.Dispose();
}
