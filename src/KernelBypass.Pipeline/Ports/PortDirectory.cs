namespace KernelBypass.Pipeline.Ports;

/// <summary>
/// Which port numbers exist, for the lcores: an immutable snapshot swapped through one volatile field. The engine publishes a
/// new one
/// when a port is attached, detached or set; lcores read it once a burst.
/// </summary>
public sealed class PortDirectory
{
    private Snapshot _current = new([]);

    /// <summary>One port as the lcores need it.</summary>
    /// <param name="Number">OpenFlow port number.</param>
    /// <param name="DpdkPort">ethdev port id.</param>
    /// <param name="Up">Administratively up.</param>
    /// <param name="Flood">Takes part in FLOOD.</param>
    /// <param name="TxChecksumOffload">The device computes IPv4 and L4 checksums.</param>
    public readonly record struct Entry(uint Number, ushort DpdkPort, bool Up, bool Flood, bool TxChecksumOffload);

    /// <summary>The snapshot in force.</summary>
    public Snapshot Current => Volatile.Read(ref _current);

    /// <summary>Puts a new set of ports in force.</summary>
    public void Publish(Entry[] ports) => Volatile.Write(ref _current, new Snapshot(ports));

    /// <summary>An immutable set of ports.</summary>
    public sealed class Snapshot
    {
        private readonly Entry[] _ports;
        private readonly short[] _byNumber;

        /// <summary>Builds the index. Numbers above 65,535 are refused by configuration.</summary>
        public Snapshot(Entry[] ports)
        {
            _ports = ports;
            var highest = 0u;
            foreach (var port in ports) highest = Math.Max(highest, port.Number);
            _byNumber = new short[highest + 1];
            Array.Fill(_byNumber, (short)-1);
            for (var i = 0; i < ports.Length; i++) _byNumber[ports[i].Number] = (short)i;
        }

        /// <summary>All ports, for FLOOD and ALL.</summary>
        public ReadOnlySpan<Entry> Ports => _ports;

        /// <summary>Index of a port in <see cref="Ports"/>, or -1.</summary>
        public int IndexOf(uint number) => number < (uint)_byNumber.Length ? _byNumber[number] : -1;
    }
}
