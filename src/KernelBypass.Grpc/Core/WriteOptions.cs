namespace Grpc.Core;

/// <summary>Hints on how a message is written.</summary>
[Flags]
public enum WriteFlags
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>
    /// The message may wait in the buffer for those that follow. It goes out when 32 KiB wait, with the next message that
    /// lacks this flag, when this side's stream reader waits for a message of the peer, or when the stream ends.
    /// </summary>
    BufferHint = 1,

    /// <summary>The message is not compressed, even if the call is.</summary>
    NoCompress = 2,
}

/// <summary>How messages are written.</summary>
public class WriteOptions
{
    /// <summary>No flags: each message is sent at once, compressed if the call is.</summary>
    public static readonly WriteOptions Default = new();

    /// <summary>Options with flags.</summary>
    public WriteOptions(WriteFlags flags = WriteFlags.None) => Flags = flags;

    /// <summary>The flags.</summary>
    public WriteFlags Flags { get; }
}
