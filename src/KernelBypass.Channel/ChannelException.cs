namespace KernelBypass.Channel;

/// <summary>The channel cannot be set up, or is closed. The message names the thing, the place and the remedy.</summary>
public class ChannelException : Exception
{
    public ChannelException()
    {
    }

    public ChannelException(string message)
        : base(message)
    {
    }

    public ChannelException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>Another process holds the place: a second daemon on one data plane, or a second data plane in one
/// directory.</summary>
public sealed class ChannelBusyException(string message, int ownerPid) : ChannelException(message)
{
    /// <summary>Process id of the holder, 0 if it could not be read.</summary>
    public int OwnerPid { get; } = ownerPid;
}
