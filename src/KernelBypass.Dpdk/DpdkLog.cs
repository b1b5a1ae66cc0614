namespace KernelBypass.Dpdk;

/// <summary>The level of a DPDK log line: RTE_LOG_* (rte_log.h).</summary>
public enum DpdkLogLevel
{
    /// <summary>The system is unusable.</summary>
    Emergency = 1,

    /// <summary>Action must be taken at once.</summary>
    Alert = 2,

    /// <summary>Critical.</summary>
    Critical = 3,

    /// <summary>Error.</summary>
    Error = 4,

    /// <summary>Warning.</summary>
    Warning = 5,

    /// <summary>Normal, but worth a notice.</summary>
    Notice = 6,

    /// <summary>Informational.</summary>
    Info = 7,

    /// <summary>Debug.</summary>
    Debug = 8,
}

/// <summary>One line that DPDK logged.</summary>
/// <param name="Level">Its level.</param>
/// <param name="Component">What the line names before its first colon ("EAL", "PMD", "ETHDEV"), or "".</param>
/// <param name="Message">The rest.</param>
public readonly record struct DpdkLogEntry(DpdkLogLevel Level, string Component, string Message)
{
    private const int LongestComponent = 24;

    /// <summary>Splits a line into component and message; a level out of DPDK's range becomes the nearest one.</summary>
    internal static DpdkLogEntry Parse(uint level, string line)
    {
        var known = (DpdkLogLevel)Math.Clamp(level, (uint)DpdkLogLevel.Emergency, (uint)DpdkLogLevel.Debug);
        int colon = line.IndexOf(": ", StringComparison.Ordinal);
        if (colon is > 0 and <= LongestComponent && IsComponent(line.AsSpan(0, colon)))
            return new DpdkLogEntry(known, line[..colon], line[(colon + 2)..].Trim());
        return new DpdkLogEntry(known, "", line.Trim());
    }

    private static bool IsComponent(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (!char.IsAsciiLetterUpper(c) && !char.IsAsciiDigit(c) && c is not '_' and not '-')
                return false;
        }

        return true;
    }
}
