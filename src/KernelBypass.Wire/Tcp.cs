namespace KernelBypass.Wire;

/// <summary>TCP control bits, the low 8 of the flags field (RFC 9293 3.1).</summary>
[Flags]
public enum TcpFlags : byte
{
    /// <summary>No bit set.</summary>
    None = 0,

    /// <summary>No more data from the sender.</summary>
    Fin = 1,

    /// <summary>Synchronise sequence numbers.</summary>
    Syn = 2,

    /// <summary>Reset the connection.</summary>
    Rst = 4,

    /// <summary>Push.</summary>
    Psh = 8,

    /// <summary>The acknowledgement field is significant.</summary>
    Ack = 16,

    /// <summary>The urgent pointer is significant.</summary>
    Urg = 32,

    /// <summary>ECN echo (RFC 3168).</summary>
    Ece = 64,

    /// <summary>Congestion window reduced (RFC 3168).</summary>
    Cwr = 128,
}

/// <summary>
/// A read-only view of a TCP segment (RFC 9293 3.1).
/// <code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------------------------------+-------------------------------+
/// |          Source port          |       Destination port        |
/// |                        Sequence number                        |
/// |                    Acknowledgement number                     |
/// +-------+-------+---------------+-------------------------------+
/// |Offset | Rsrvd |C E U A P R S F|            Window             |
/// +-------+-------+---------------+-------------------------------+
/// |           Checksum            |         Urgent pointer        |
/// |               Options (offset - 5 words), padded              |
/// +---------------------------------------------------------------+
/// </code>
/// </summary>
public readonly ref struct TcpView
{
    /// <summary>Bytes of a header without options.</summary>
    public const int MinHeaderLength = 20;

    /// <summary>Bytes of the longest header.</summary>
    public const int MaxHeaderLength = 60;

    internal const int DestinationPortOffset = 2;
    internal const int SequenceOffset = 4;
    internal const int AcknowledgementOffset = 8;
    internal const int DataOffsetOffset = 12;
    internal const int FlagsOffset = 13;
    internal const int WindowOffset = 14;
    internal const int ChecksumOffset = 16;
    internal const int UrgentOffset = 18;

    private readonly ReadOnlySpan<byte> _bytes;

    private TcpView(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>Source port.</summary>
    public ushort SourcePort => BigEndian.U16(_bytes, 0);

    /// <summary>Destination port.</summary>
    public ushort DestinationPort => BigEndian.U16(_bytes, DestinationPortOffset);

    /// <summary>Sequence number of the first payload byte, or of SYN.</summary>
    public uint Sequence => BigEndian.U32(_bytes, SequenceOffset);

    /// <summary>Next sequence number that the sender expects, when ACK is set.</summary>
    public uint Acknowledgement => BigEndian.U32(_bytes, AcknowledgementOffset);

    /// <summary>Header length in bytes, 20 to 60.</summary>
    public int HeaderLength => (_bytes[DataOffsetOffset] >> 4) * 4;

    /// <summary>Control bits.</summary>
    public TcpFlags Flags => (TcpFlags)_bytes[FlagsOffset];

    /// <summary>Window field, not scaled.</summary>
    public ushort Window => BigEndian.U16(_bytes, WindowOffset);

    /// <summary>The checksum field.</summary>
    public ushort Checksum => BigEndian.U16(_bytes, ChecksumOffset);

    /// <summary>Urgent pointer.</summary>
    public ushort UrgentPointer => BigEndian.U16(_bytes, UrgentOffset);

    /// <summary>The option bytes, padding included.</summary>
    public ReadOnlySpan<byte> OptionBytes => _bytes[MinHeaderLength..HeaderLength];

    /// <summary>Walks the options.</summary>
    public TcpOptionIterator Options => new(OptionBytes);

    /// <summary>What the segment carries.</summary>
    public ReadOnlySpan<byte> Payload => _bytes[HeaderLength..];

    /// <summary>Header and payload.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Sequence space that the segment takes: payload bytes, and one each for SYN and FIN (SEG.LEN).</summary>
    public int SequenceLength => Payload.Length + ((int)(Flags & TcpFlags.Syn) >> 1) + (int)(Flags & TcpFlags.Fin);

    /// <summary>True when the checksum is right.</summary>
    public bool IsChecksumValid(uint pseudoHeaderSum) => Wire.Checksum.IsValid(_bytes, pseudoHeaderSum);

    /// <summary>Checks the data offset once; no accessor fails afterwards. Neither checksum nor options are checked.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out TcpView view) => TryParse(bytes, out view, out _);

    /// <summary>Errors: truncated_tcp, bad_tcp_data_offset.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out TcpView view, out ParseError error)
    {
        view = default;
        error = ParseError.TruncatedTcp;
        if (bytes.Length < MinHeaderLength)
            return false;
        int headerLength = (bytes[DataOffsetOffset] >> 4) * 4;
        error = headerLength < MinHeaderLength ? ParseError.BadTcpDataOffset
            : headerLength > bytes.Length ? ParseError.TruncatedTcp
            : ParseError.None;
        if (error != ParseError.None)
            return false;
        view = new TcpView(bytes);
        return true;
    }
}

/// <summary>A view of a TCP segment whose fields can be set. Only <see cref="FillChecksum"/> touches the checksum.</summary>
public readonly ref struct MutableTcpView
{
    private readonly Span<byte> _bytes;

    private MutableTcpView(Span<byte> bytes) => _bytes = bytes;

    /// <summary>What the segment carries.</summary>
    public Span<byte> Payload => _bytes[((_bytes[TcpView.DataOffsetOffset] >> 4) * 4)..];

    /// <summary>Checks as <see cref="TcpView"/> does.</summary>
    public static bool TryParse(Span<byte> bytes, out MutableTcpView view)
    {
        bool ok = TcpView.TryParse(bytes, out _);
        view = ok ? new MutableTcpView(bytes) : default;
        return ok;
    }

    /// <summary>Sets the source port.</summary>
    public void SetSourcePort(ushort value) => BigEndian.U16(_bytes, 0, value);

    /// <summary>Sets the destination port.</summary>
    public void SetDestinationPort(ushort value) => BigEndian.U16(_bytes, TcpView.DestinationPortOffset, value);

    /// <summary>Sets the sequence number.</summary>
    public void SetSequence(uint value) => BigEndian.U32(_bytes, TcpView.SequenceOffset, value);

    /// <summary>Sets the acknowledgement number.</summary>
    public void SetAcknowledgement(uint value) => BigEndian.U32(_bytes, TcpView.AcknowledgementOffset, value);

    /// <summary>Sets the control bits.</summary>
    public void SetFlags(TcpFlags value) => _bytes[TcpView.FlagsOffset] = (byte)value;

    /// <summary>Sets the window field.</summary>
    public void SetWindow(ushort value) => BigEndian.U16(_bytes, TcpView.WindowOffset, value);

    /// <summary>Sets the checksum field.</summary>
    public void SetChecksum(ushort value) => BigEndian.U16(_bytes, TcpView.ChecksumOffset, value);

    /// <summary>Computes and stores the checksum.</summary>
    public void FillChecksum(uint pseudoHeaderSum)
    {
        SetChecksum(0);
        SetChecksum(Checksum.Compute(_bytes, pseudoHeaderSum));
    }
}

/// <summary>A TCP header without options as a plain value.</summary>
public readonly record struct TcpHeader()
{
    /// <summary>Source port.</summary>
    public ushort SourcePort { get; init; }

    /// <summary>Destination port.</summary>
    public ushort DestinationPort { get; init; }

    /// <summary>Sequence number.</summary>
    public uint Sequence { get; init; }

    /// <summary>Acknowledgement number.</summary>
    public uint Acknowledgement { get; init; }

    /// <summary>Control bits.</summary>
    public TcpFlags Flags { get; init; }

    /// <summary>Window field, 65,535 unless set.</summary>
    public ushort Window { get; init; } = ushort.MaxValue;

    /// <summary>Urgent pointer.</summary>
    public ushort UrgentPointer { get; init; }

    /// <summary>The value of a checked view.</summary>
    public static TcpHeader From(TcpView view) => new()
    {
        SourcePort = view.SourcePort,
        DestinationPort = view.DestinationPort,
        Sequence = view.Sequence,
        Acknowledgement = view.Acknowledgement,
        Flags = view.Flags,
        Window = view.Window,
        UrgentPointer = view.UrgentPointer,
    };

    /// <summary>
    /// Writes header and options with checksum 0, for <see cref="MutableTcpView.FillChecksum"/> to complete, and returns the
    /// header's length. Options are padded with zeros to a multiple of 4; over 40 bytes throw <see cref="ArgumentException"/>.
    /// </summary>
    public int Emit(Span<byte> bytes, ReadOnlySpan<byte> options = default)
    {
        int headerLength = TcpView.MinHeaderLength + ((options.Length + 3) & ~3);
        if (headerLength > TcpView.MaxHeaderLength)
            throw new ArgumentException($"{options.Length} option bytes do not fit a TCP header: at most 40");
        bytes[TcpView.MinHeaderLength..headerLength].Clear();
        options.CopyTo(bytes[TcpView.MinHeaderLength..]);
        BigEndian.U16(bytes, 0, SourcePort);
        BigEndian.U16(bytes, TcpView.DestinationPortOffset, DestinationPort);
        BigEndian.U32(bytes, TcpView.SequenceOffset, Sequence);
        BigEndian.U32(bytes, TcpView.AcknowledgementOffset, Acknowledgement);
        bytes[TcpView.DataOffsetOffset] = (byte)(headerLength / 4 << 4);
        bytes[TcpView.FlagsOffset] = (byte)Flags;
        BigEndian.U16(bytes, TcpView.WindowOffset, Window);
        BigEndian.U16(bytes, TcpView.ChecksumOffset, 0);
        BigEndian.U16(bytes, TcpView.UrgentOffset, UrgentPointer);
        return headerLength;
    }
}
