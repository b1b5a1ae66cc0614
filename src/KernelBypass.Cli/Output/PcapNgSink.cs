using KernelBypass.V1;
using KernelBypass.Wire;

namespace KernelBypass.Cli.Output;

/// <summary>Writes captured packets as pcapng: an interface for each capture point, drop reasons as comments.</summary>
internal sealed class PcapNgSink(Stream stream, bool flushEach) : IDisposable
{
    private readonly PcapNgWriter _writer = new(stream, "kbctl");
    private readonly Dictionary<string, int> _interfaces = [];

    internal void Write(CapturedPacket packet)
    {
        if (!_interfaces.TryGetValue(packet.Point, out var id))
            _interfaces[packet.Point] = id = _writer.AddInterface(packet.Point);
        _writer.Write(
            id, packet.TimestampUnixNs, packet.Data.Span, (int)packet.TotalLength,
            packet.Outbound ? PcapNgDirection.Outbound : PcapNgDirection.Inbound,
            packet.DropReason.Length > 0 ? $"dropped: {packet.DropReason}" : null);

        // A reader at the other end of a pipe wants each packet now; a file may wait.
        if (flushEach) _writer.Flush();
    }

    public void Dispose() => _writer.Dispose();
}
