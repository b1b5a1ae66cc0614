namespace KernelBypass.Cli;

/// <summary>What kbctl ends with.</summary>
public static class ExitCode
{
    public const int Ok = 0;

    /// <summary>The command line, a flow or a packet could not be understood; nothing was sent.</summary>
    public const int Usage = 1;

    /// <summary>The switch refused; the message is its own.</summary>
    public const int Refused = 2;

    /// <summary>No switch answers: it is not running, not reachable or too slow.</summary>
    public const int Unavailable = 3;

    /// <summary>explain: the packet would be dropped. So scripts can test reachability.</summary>
    public const int WouldDrop = 4;
}
