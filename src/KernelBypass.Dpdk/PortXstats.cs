using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>The extended statistics of a port: names once, then values without allocation.</summary>
public sealed unsafe class PortXstats
{
    private readonly Port _port;

    internal PortXstats(Port port)
    {
        _port = port;
        Names = ReadNames(port);
    }

    /// <summary>The names, in the order of the values. They change when the port is configured anew.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>
    /// The values into <paramref name="values"/>, which must hold all of <see cref="Names"/>. Throws
    /// <see cref="DpdkException"/> when the port has been configured anew meanwhile: make a new object then.
    /// </summary>
    public void Read(Span<ulong> values)
    {
        if (values.Length < Names.Count)
            throw new ArgumentException($"{Names.Count} values do not fit in {values.Length}.", nameof(values));
        if (Names.Count == 0)
            return;
        int count;
        fixed (ulong* first = values)
            count = Kb.kb_port_xstats_values(_port.Id, first, (uint)Names.Count);
        if (count < 0)
            throw DpdkException.From($"Port {_port.Name}: xstats", count);
        if (count != Names.Count)
        {
            throw new DpdkException($"Port {_port.Name} has {count} xstats now, not {Names.Count}: it was configured anew; " +
                "get its xstats again.");
        }
    }

    private static string[] ReadNames(Port port)
    {
        int count = Kb.kb_port_xstats_names(port.Id, null, 0);
        DpdkException.Check(count, $"Port {port.Name}: names of xstats");
        if (count == 0)
            return [];
        var records = new XstatName[count];
        fixed (XstatName* first = records)
        {
            int got = Kb.kb_port_xstats_names(port.Id, first, (uint)count);
            DpdkException.Check(got, $"Port {port.Name}: names of xstats");
            var names = new string[Math.Min(got, count)];
            for (int i = 0; i < names.Length; i++)
                names[i] = Kb.Text(first[i].name, XstatName.Capacity);
            return names;
        }
    }
}
