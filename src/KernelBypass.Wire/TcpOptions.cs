namespace KernelBypass.Wire;

/// <summary>TCP option kinds (IANA tcp-parameters).</summary>
public enum TcpOptionKind : byte
{
    /// <summary>End of the option list.</summary>
    End = 0,

    /// <summary>One byte of padding.</summary>
    NoOperation = 1,

    /// <summary>Maximum segment size, 4 bytes (RFC 9293 3.2).</summary>
    MaximumSegmentSize = 2,

    /// <summary>Window scale, 3 bytes (RFC 7323 2.2).</summary>
    WindowScale = 3,

    /// <summary>SACK permitted, 2 bytes (RFC 2018 2).</summary>
    SackPermitted = 4,

    /// <summary>SACK, 2 bytes and 8 for each of 1 to 4 blocks (RFC 2018 3).</summary>
    Sack = 5,

    /// <summary>Timestamps, 10 bytes (RFC 7323 3.2).</summary>
    Timestamps = 8,

    /// <summary>MD5 signature, 18 bytes (RFC 2385).</summary>
    Md5Signature = 19,

    /// <summary>User timeout, 4 bytes (RFC 5482 3.1).</summary>
    UserTimeout = 28,

    /// <summary>TCP-AO, at least 4 bytes (RFC 5925 2.2).</summary>
    Authentication = 29,

    /// <summary>Fast Open cookie, 2 or 6 to 18 bytes, even (RFC 7413 4.1.1).</summary>
    FastOpen = 34,
}

/// <summary>A SACK block: received bytes from <paramref name="Left"/> up to, not including, <paramref name="Right"/>.</summary>
/// <param name="Left">First sequence number of the block.</param>
/// <param name="Right">Sequence number just after the block.</param>
public readonly record struct SackBlock(uint Left, uint Right);

/// <summary>
/// Walks TCP options: kind, length including both bytes, data. A kind that is known has the length its RFC gives it, so the
/// typed accessors never fail for the kind that they name; for another kind they give 0.
/// </summary>
public ref struct TcpOptionIterator
{
    private ReadOnlySpan<byte> _rest;

    /// <summary>Starts at the first option byte.</summary>
    public TcpOptionIterator(ReadOnlySpan<byte> options) => _rest = options;

    /// <summary>Kind of the current option.</summary>
    public TcpOptionKind Kind { get; private set; }

    /// <summary>The current option's bytes after kind and length.</summary>
    public ReadOnlySpan<byte> Data { get; private set; }

    /// <summary><see cref="ParseError.BadTcpOption"/> when the walk stopped at a malformed option.</summary>
    public ParseError Error { get; private set; }

    /// <summary>Maximum segment size in bytes.</summary>
    public readonly ushort MaximumSegmentSize =>
        Kind == TcpOptionKind.MaximumSegmentSize ? BigEndian.U16(Data, 0) : (ushort)0;

    /// <summary>Window shift; at most 14 may be used (RFC 7323 2.3), larger values are given as they are.</summary>
    public readonly byte WindowScale => Kind == TcpOptionKind.WindowScale ? Data[0] : (byte)0;

    /// <summary>TSval.</summary>
    public readonly uint TimestampValue => Kind == TcpOptionKind.Timestamps ? BigEndian.U32(Data, 0) : 0;

    /// <summary>TSecr.</summary>
    public readonly uint TimestampEcho => Kind == TcpOptionKind.Timestamps ? BigEndian.U32(Data, 4) : 0;

    /// <summary>Number of SACK blocks, 0 to 4.</summary>
    public readonly int SackBlockCount => Kind == TcpOptionKind.Sack ? Data.Length / 8 : 0;

    /// <summary>User timeout in seconds: the field counts seconds, or minutes when its first bit is set.</summary>
    public readonly int UserTimeoutSeconds
    {
        get
        {
            if (Kind != TcpOptionKind.UserTimeout)
                return 0;
            int timeout = BigEndian.U16(Data, 0);
            return (timeout & 0x8000) != 0 ? (timeout & 0x7FFF) * 60 : timeout;
        }
    }

    /// <summary>A SACK block; throws <see cref="ArgumentOutOfRangeException"/> past <see cref="SackBlockCount"/>.</summary>
    public readonly SackBlock SackBlock(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)SackBlockCount);
        return new SackBlock(BigEndian.U32(Data, 8 * index), BigEndian.U32(Data, (8 * index) + 4));
    }

    /// <summary>Steps to the next option other than padding; false at the end of the list or at an error.</summary>
    public bool MoveNext()
    {
        while (!_rest.IsEmpty && _rest[0] == (byte)TcpOptionKind.NoOperation)
            _rest = _rest[1..];
        if (_rest.IsEmpty || _rest[0] == (byte)TcpOptionKind.End)
            return false;
        if (_rest.Length < 2 || _rest[1] > _rest.Length || !IsLengthValid((TcpOptionKind)_rest[0], _rest[1]))
        {
            Error = ParseError.BadTcpOption;
            _rest = default;
            return false;
        }
        Kind = (TcpOptionKind)_rest[0];
        Data = _rest[2.._rest[1]];
        _rest = _rest[_rest[1]..];
        return true;
    }

    private static bool IsLengthValid(TcpOptionKind kind, byte length) => kind switch
    {
        TcpOptionKind.MaximumSegmentSize or TcpOptionKind.UserTimeout => length == 4,
        TcpOptionKind.WindowScale => length == 3,
        TcpOptionKind.SackPermitted => length == 2,
        TcpOptionKind.Sack => length is 10 or 18 or 26 or 34,
        TcpOptionKind.Timestamps => length == 10,
        TcpOptionKind.Md5Signature => length == 18,
        TcpOptionKind.Authentication => length >= 4,
        TcpOptionKind.FastOpen => length == 2 || (length is >= 6 and <= 18 && length % 2 == 0),
        _ => length >= 2,
    };
}

/// <summary>Writes TCP options one after another into a buffer of up to 40 bytes; <see cref="Written"/> goes to Emit.</summary>
public ref struct TcpOptionWriter
{
    private readonly Span<byte> _bytes;
    private int _length;

    /// <summary>Writes from the start of <paramref name="buffer"/>; an option that does not fit throws.</summary>
    public TcpOptionWriter(Span<byte> buffer) => _bytes = buffer;

    /// <summary>What has been written.</summary>
    public readonly ReadOnlySpan<byte> Written => _bytes[.._length];

    /// <summary>One byte of padding.</summary>
    public void NoOperation() => _bytes[_length++] = (byte)TcpOptionKind.NoOperation;

    /// <summary>Maximum segment size in bytes.</summary>
    public void MaximumSegmentSize(ushort value) => BigEndian.U16(Start(TcpOptionKind.MaximumSegmentSize, 2), 0, value);

    /// <summary>Window shift.</summary>
    public void WindowScale(byte shift) => Start(TcpOptionKind.WindowScale, 1)[0] = shift;

    /// <summary>SACK permitted.</summary>
    public void SackPermitted() => Start(TcpOptionKind.SackPermitted, 0);

    /// <summary>SACK blocks, 1 to 4.</summary>
    public void Sack(scoped ReadOnlySpan<SackBlock> blocks)
    {
        Span<byte> data = Start(TcpOptionKind.Sack, 8 * blocks.Length);
        for (int i = 0; i < blocks.Length; i++)
        {
            BigEndian.U32(data, 8 * i, blocks[i].Left);
            BigEndian.U32(data, (8 * i) + 4, blocks[i].Right);
        }
    }

    /// <summary>TSval and TSecr.</summary>
    public void Timestamps(uint value, uint echo)
    {
        Span<byte> data = Start(TcpOptionKind.Timestamps, 8);
        BigEndian.U32(data, 0, value);
        BigEndian.U32(data, 4, echo);
    }

    /// <summary>User timeout: seconds up to 32,767, else whole minutes.</summary>
    public void UserTimeout(int seconds) => BigEndian.U16(
        Start(TcpOptionKind.UserTimeout, 2), 0, (ushort)(seconds <= 0x7FFF ? seconds : 0x8000 | (seconds / 60)));

    /// <summary>Fast Open cookie; empty asks for one.</summary>
    public void FastOpen(scoped ReadOnlySpan<byte> cookie) => cookie.CopyTo(Start(TcpOptionKind.FastOpen, cookie.Length));

    /// <summary>Any other kind.</summary>
    public void Raw(TcpOptionKind kind, scoped ReadOnlySpan<byte> data) => data.CopyTo(Start(kind, data.Length));

    private Span<byte> Start(TcpOptionKind kind, int dataLength)
    {
        Span<byte> option = _bytes.Slice(_length, dataLength + 2);
        option[0] = (byte)kind;
        option[1] = (byte)option.Length;
        _length += option.Length;
        return option[2..];
    }
}
