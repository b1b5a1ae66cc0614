using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace KernelBypass.Daemon.Supervision;

/// <summary>Tells systemd how the service is (sd_notify(3)): a datagram to $NOTIFY_SOCKET, nothing when that is not set.</summary>
internal sealed class SystemdNotifier(string? path)
{
    internal static SystemdNotifier FromEnvironment() => new(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"));

    internal void Ready(string status) => Send($"READY=1\nSTATUS={status}");

    internal void Stopping() => Send("STOPPING=1\nSTATUS=stopping");

    /// <summary>systemd wants the monotonic clock with it since release 253.</summary>
    internal void Reloading() =>
        Send($"RELOADING=1\nMONOTONIC_USEC={Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000)}");

    internal void Watchdog() => Send("WATCHDOG=1");

    internal void Status(string status) => Send($"STATUS={status}");

    /// <summary>Sends WATCHDOG=1 at half the interval that systemd asks for, until cancelled.</summary>
    internal async Task KeepAliveAsync(CancellationToken cancellation)
    {
        if (!long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), out var interval) || interval <= 0) return;
        using var timer = new PeriodicTimer(TimeSpan.FromMicroseconds(Math.Max(1000, interval / 2)));
        while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false)) Watchdog();
    }

    private void Send(string message)
    {
        if (string.IsNullOrEmpty(path)) return;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            // An abstract socket's name begins with a zero byte, written as @.
            socket.SendTo(Encoding.UTF8.GetBytes(message), new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path));
        }
        catch (SocketException)
        {
            // The supervisor above us does not listen: the service goes on without it.
        }
    }
}
