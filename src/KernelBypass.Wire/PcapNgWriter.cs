using System.Buffers.Binary;
using System.Text;

namespace KernelBypass.Wire;

/// <summary>Which way a captured packet went (epb_flags, bits 0 and 1).</summary>
public enum PcapNgDirection : byte
{
    /// <summary>Not said.</summary>
    Unknown = 0,

    /// <summary>Received.</summary>
    Inbound = 1,

    /// <summary>Sent.</summary>
    Outbound = 2,
}

/// <summary>
/// Writes pcapng (draft-ietf-opsawg-pcapng), little-endian: one section, an interface per port or stage, and packets with
/// nanosecond time stamps and comments. Every block is written whole, so a reader may follow a live stream.
/// <code>
///  block type (32) | total length (32) | body, padded to 4 | options: code (16) length (16) value, padded | total length (32)
/// </code>
/// Not safe for use by several threads at once.
/// </summary>
public sealed class PcapNgWriter : IDisposable
{
    private const uint SectionHeaderBlock = 0x0A0D_0D0A;
    private const uint InterfaceDescriptionBlock = 1;
    private const uint InterfaceStatisticsBlock = 5;
    private const uint EnhancedPacketBlock = 6;
    private const uint ByteOrderMagic = 0x1A2B_3C4D;
    private const ushort OptionEnd = 0;
    private const ushort OptionComment = 1;
    private const ushort OptionUserApplication = 4;
    private const ushort OptionInterfaceName = 2;
    private const ushort OptionInterfaceDescription = 3;
    private const ushort OptionTimestampResolution = 9;
    private const ushort OptionPacketFlags = 2;
    private const ushort OptionStatisticsReceived = 4;
    private const ushort OptionStatisticsDropped = 5;
    private const byte Nanoseconds = 9; // if_tsresol: 10^-9

    private readonly Stream _stream;
    private byte[] _block = new byte[2048];
    private int _length;
    private int _interfaces;

    /// <summary>
    /// Writes the section header. <paramref name="application"/> is recorded as the writing program. The stream is disposed of
    /// with the writer.
    /// </summary>
    public PcapNgWriter(Stream stream, string application = "KernelBypass", string? comment = null)
    {
        _stream = stream;
        Begin(SectionHeaderBlock);
        U32(ByteOrderMagic);
        U32(1); // version 1.0
        U32(uint.MaxValue); // section length: not given
        U32(uint.MaxValue);
        Option(OptionComment, comment);
        Option(OptionUserApplication, application);
        End();
    }

    /// <summary>
    /// Adds an interface and returns its number, 0 for the first: what <see cref="Write"/> takes. Time stamps of its packets are
    /// in nanoseconds.
    /// </summary>
    public int AddInterface(
        string name,
        string? description = null,
        int snapLength = PcapFile.MaxSnapLength,
        int linkType = PcapFile.LinkTypeEthernet)
    {
        Begin(InterfaceDescriptionBlock);
        U32((uint)(ushort)linkType);
        U32((uint)snapLength);
        Option(OptionInterfaceName, name);
        Option(OptionInterfaceDescription, description);
        OptionHeader(OptionTimestampResolution, 1);
        Bytes([Nanoseconds]);
        End();
        return _interfaces++;
    }

    /// <summary>
    /// Writes a packet. <paramref name="timestampNs"/> counts from the Unix epoch; <paramref name="originalLength"/> 0 means as
    /// many bytes as there are here; <paramref name="comment"/> says why it was dropped, or what became of it. Throws
    /// <see cref="ArgumentOutOfRangeException"/> for an interface that was not added.
    /// </summary>
    public void Write(
        int interfaceId,
        long timestampNs,
        ReadOnlySpan<byte> data,
        int originalLength = 0,
        PcapNgDirection direction = PcapNgDirection.Unknown,
        string? comment = null)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)interfaceId, (uint)_interfaces, nameof(interfaceId));
        Begin(EnhancedPacketBlock);
        U32((uint)interfaceId);
        Timestamp(timestampNs);
        U32((uint)data.Length);
        U32((uint)(originalLength == 0 ? data.Length : originalLength));
        Bytes(data);
        Option(OptionComment, comment);
        if (direction != PcapNgDirection.Unknown)
        {
            OptionHeader(OptionPacketFlags, sizeof(uint));
            U32((uint)direction);
        }
        End();
    }

    /// <summary>Writes how many packets an interface received and how many the capture itself lost, up to now.</summary>
    public void WriteStatistics(int interfaceId, long timestampNs, ulong received, ulong dropped)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)interfaceId, (uint)_interfaces, nameof(interfaceId));
        Begin(InterfaceStatisticsBlock);
        U32((uint)interfaceId);
        Timestamp(timestampNs);
        Counter(OptionStatisticsReceived, received);
        Counter(OptionStatisticsDropped, dropped);
        End();
    }

    /// <summary>Passes what is buffered on to the stream.</summary>
    public void Flush() => _stream.Flush();

    /// <summary>Disposes of the stream.</summary>
    public void Dispose() => _stream.Dispose();

    private void Begin(uint type)
    {
        _length = 0;
        U32(type);
        U32(0); // total length, set at the end
    }

    private void End()
    {
        U32(OptionEnd);
        U32((uint)_length + sizeof(uint));
        BinaryPrimitives.WriteInt32LittleEndian(_block.AsSpan(sizeof(uint)), _length);
        _stream.Write(_block, 0, _length);
    }

    private void Option(ushort code, string? text)
    {
        if (string.IsNullOrEmpty(text))
            return;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int length = Math.Min(bytes.Length, ushort.MaxValue);
        OptionHeader(code, (ushort)length);
        Bytes(bytes.AsSpan(0, length));
    }

    private void Counter(ushort code, ulong value)
    {
        OptionHeader(code, sizeof(ulong));
        U32((uint)value);
        U32((uint)(value >> 32));
    }

    private void Timestamp(long timestampNs)
    {
        U32((uint)(timestampNs >> 32));
        U32((uint)timestampNs);
    }

    private void OptionHeader(ushort code, ushort length) => U32(code | ((uint)length << 16));

    private void U32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Reserve(sizeof(uint)), value);

    private void Bytes(ReadOnlySpan<byte> bytes)
    {
        Span<byte> room = Reserve((bytes.Length + 3) & ~3);
        room.Clear();
        bytes.CopyTo(room);
    }

    private Span<byte> Reserve(int count)
    {
        if (_length + count > _block.Length)
            Array.Resize(ref _block, Math.Max(_block.Length * 2, _length + count));
        _length += count;
        return _block.AsSpan(_length - count, count);
    }
}
