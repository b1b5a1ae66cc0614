using System.Buffers.Binary;

namespace KernelBypass.Wire;

/// <summary>A packet of a capture file.</summary>
/// <param name="TimestampNs">Nanoseconds since the Unix epoch, UTC.</param>
/// <param name="OriginalLength">Bytes that the packet had on the wire, at least as many as were captured.</param>
/// <param name="Data">The bytes captured.</param>
public readonly record struct PcapRecord(long TimestampNs, int OriginalLength, ReadOnlyMemory<byte> Data);

/// <summary>
/// Classic pcap (draft-ietf-opsawg-pcap): a 24-byte header, then records of 16 bytes and data.
/// <code>
///  magic (32)  | major 2 (16) minor 4 (16) | zone 0 (32) | 0 (32) | snap length (32) | link type (32)
///  seconds (32)| micro or nanoseconds (32) | captured length (32) | original length (32) | data ...
/// </code>
/// </summary>
public static class PcapFile
{
    /// <summary>Link type: Ethernet.</summary>
    public const int LinkTypeEthernet = 1;

    /// <summary>Most bytes that one record may hold: libpcap's own limit.</summary>
    public const int MaxSnapLength = 262_144;

    internal const uint MicrosecondMagic = 0xA1B2_C3D4;
    internal const uint NanosecondMagic = 0xA1B2_3C4D;
    internal const int HeaderLength = 24;
    internal const int RecordHeaderLength = 16;

    /// <summary>
    /// Reads every packet of a file. Throws <see cref="InvalidDataException"/> as <see cref="PcapReader"/> does.
    /// </summary>
    public static List<PcapRecord> ReadAll(string path)
    {
        using FileStream file = File.OpenRead(path);
        using var reader = new PcapReader(file);
        var records = new List<PcapRecord>();
        while (reader.TryRead(out PcapRecord record))
            records.Add(record);
        return records;
    }

    /// <summary>
    /// Writes frames to a file, with time stamps one microsecond apart from the epoch, so that files compare equal.
    /// </summary>
    public static void WriteAll(string path, IEnumerable<byte[]> frames)
    {
        using FileStream file = File.Create(path);
        using var writer = new PcapWriter(file);
        long timestampNs = 0;
        foreach (byte[] frame in frames)
        {
            writer.Write(timestampNs, frame);
            timestampNs += 1000;
        }
    }
}

/// <summary>Reads classic pcap of either byte order, with micro- or nanoseconds. The bytes are not trusted.</summary>
public sealed class PcapReader : IDisposable
{
    private readonly Stream _stream;
    private readonly bool _bigEndian;
    private readonly int _nsPerTick;
    private readonly byte[] _header = new byte[PcapFile.HeaderLength];
    private long _position;

    /// <summary>
    /// Reads the file's header. Throws <see cref="InvalidDataException"/> for what is no pcap; the stream is disposed of with
    /// the reader.
    /// </summary>
    public PcapReader(Stream stream)
    {
        _stream = stream;
        if (!TryFill(_header))
            throw new InvalidDataException("pcap: shorter than the 24-byte file header");
        uint magic = BinaryPrimitives.ReadUInt32LittleEndian(_header);
        _bigEndian = BinaryPrimitives.ReverseEndianness(magic) is PcapFile.MicrosecondMagic or PcapFile.NanosecondMagic;
        _nsPerTick = U32(0) switch
        {
            PcapFile.MicrosecondMagic => 1000,
            PcapFile.NanosecondMagic => 1,
            _ => throw new InvalidDataException(
                $"pcap: magic 0x{magic:x8} is not classic pcap (a pcapng file? convert it with editcap -F pcap)"),
        };
        LinkType = (int)(U32(20) & 0x0FFF_FFFF);
        SnapLength = (int)Math.Min(U32(16), PcapFile.MaxSnapLength);
    }

    /// <summary>Link type of every packet, 1 for Ethernet.</summary>
    public int LinkType { get; }

    /// <summary>
    /// Most bytes that were captured of a packet, as the file says, at most <see cref="PcapFile.MaxSnapLength"/>.
    /// </summary>
    public int SnapLength { get; }

    /// <summary>
    /// Reads the next packet; false at the end of the file. Throws <see cref="InvalidDataException"/> with the position for a
    /// record that is cut off or says that it is longer than 262,144 bytes.
    /// </summary>
    public bool TryRead(out PcapRecord record)
    {
        record = default;
        long start = _position;
        if (!TryFill(_header.AsSpan(0, PcapFile.RecordHeaderLength)))
        {
            if (_position != start)
                throw new InvalidDataException($"pcap: the record header at byte {start} is cut off");
            return false;
        }
        uint length = U32(8), originalLength = U32(12);
        if (length > PcapFile.MaxSnapLength || originalLength > int.MaxValue)
            throw new InvalidDataException($"pcap: the record at byte {start} claims {length} of {originalLength} bytes");
        long timestampNs = (U32(0) * 1_000_000_000L) + ((long)U32(4) * _nsPerTick);
        byte[] data = new byte[length];
        if (!TryFill(data))
            throw new InvalidDataException($"pcap: the record at byte {start} is cut off: {length} bytes were promised");
        record = new PcapRecord(timestampNs, (int)originalLength, data);
        return true;
    }

    /// <summary>Disposes of the stream.</summary>
    public void Dispose() => _stream.Dispose();

    private uint U32(int offset) => _bigEndian
        ? BinaryPrimitives.ReadUInt32BigEndian(_header.AsSpan(offset))
        : BinaryPrimitives.ReadUInt32LittleEndian(_header.AsSpan(offset));

    private bool TryFill(Span<byte> bytes)
    {
        int read = _stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        _position += read;
        return read == bytes.Length;
    }
}

/// <summary>Writes classic pcap, little-endian, with nanosecond time stamps.</summary>
public sealed class PcapWriter : IDisposable
{
    private readonly Stream _stream;
    private readonly int _snapLength;

    /// <summary>
    /// Writes the file's header. Packets are cut to <paramref name="snapLength"/> bytes; the stream is disposed of with the
    /// writer.
    /// </summary>
    public PcapWriter(Stream stream, int snapLength = PcapFile.MaxSnapLength, int linkType = PcapFile.LinkTypeEthernet)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(snapLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(snapLength, PcapFile.MaxSnapLength);
        _stream = stream;
        _snapLength = snapLength;
        Span<byte> header = stackalloc byte[PcapFile.HeaderLength];
        header.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header, PcapFile.NanosecondMagic);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], 4);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], snapLength);
        BinaryPrimitives.WriteInt32LittleEndian(header[20..], linkType);
        stream.Write(header);
    }

    /// <summary>
    /// Writes a packet of <paramref name="originalLength"/> bytes on the wire; 0 means as many as there are here.
    /// </summary>
    public void Write(long timestampNs, ReadOnlySpan<byte> data, int originalLength = 0)
    {
        ReadOnlySpan<byte> captured = data[..Math.Min(data.Length, _snapLength)];
        Span<byte> header = stackalloc byte[PcapFile.RecordHeaderLength];
        BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)(timestampNs / 1_000_000_000));
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], (uint)(timestampNs % 1_000_000_000));
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], captured.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], originalLength == 0 ? data.Length : originalLength);
        _stream.Write(header);
        _stream.Write(captured);
    }

    /// <summary>Passes what is buffered on to the stream.</summary>
    public void Flush() => _stream.Flush();

    /// <summary>Disposes of the stream.</summary>
    public void Dispose() => _stream.Dispose();
}
