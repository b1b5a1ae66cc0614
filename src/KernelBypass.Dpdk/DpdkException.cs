using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>DPDK refused something: the message says what, where, and how to mend it.</summary>
public class DpdkException : Exception
{
    /// <summary>Makes one with no errno.</summary>
    public DpdkException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one with the failure beneath it.</summary>
    public DpdkException(string message, Exception? inner)
        : base(message, inner)
    {
    }

    /// <summary>Makes one for a positive errno.</summary>
    public DpdkException(string message, int errno)
        : base(message) => Errno = errno;

    /// <summary>The errno behind it, positive; 0 when there is none.</summary>
    public int Errno { get; }

    /// <summary>Makes one from what a shim function returned: <paramref name="what"/>: text of the errno.</summary>
    internal static unsafe DpdkException From(string what, int error, string? remedy = null)
    {
        int errno = Math.Abs(error);
        string text = $"{what}: {Kb.Text(Kb.kb_strerror(errno))} (errno {errno})";
        return new DpdkException(remedy is null ? text : $"{text}. {remedy}", errno);
    }

    /// <summary>For set-up only: the caller makes the text whether there is a failure or not.</summary>
    internal static void Check(int result, string what, string? remedy = null)
    {
        if (result < 0)
            throw From(what, result, remedy);
    }
}
