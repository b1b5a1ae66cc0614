using System.Globalization;

namespace KernelBypass.Dpdk;

/// <summary>EAL starts even when a device that it was told to use does not: these must have become ports.</summary>
internal static class EalDevices
{
    /// <summary>The first device of the options that is no port, as it was written; null when all are.</summary>
    internal static string? FirstMissing(EalOptions options, IReadOnlyCollection<string> ports)
    {
        foreach (string device in options.Vdevs)
        {
            if (!ports.Contains(device.Split(',')[0]))
                return device;
        }

        foreach (string device in options.AllowPci)
        {
            string address = FullAddress(device.Split(',')[0]);
            // A device of several ports names them address_port.
            if (!ports.Any(port => port.StartsWith(address, StringComparison.OrdinalIgnoreCase)))
                return device;
        }

        return null;
    }

    /// <summary>A PCI address as DPDK names it, domain:bus:device.function, padded with zeros.</summary>
    internal static string FullAddress(string address)
    {
        string[] parts = address.Split(':', '.');
        int[] numbers = [.. parts.Select(part => int.Parse(part, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
        int domain = numbers.Length == 4 ? numbers[0] : 0;
        return string.Create(CultureInfo.InvariantCulture, $"{domain:x4}:{numbers[^3]:x2}:{numbers[^2]:x2}.{numbers[^1]:x}");
    }
}
