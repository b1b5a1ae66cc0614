using System.Buffers.Binary;

namespace KernelBypass.Wire.Tests;

/// <summary>Capture files: ours read by us, by tshark and by capinfos; and files that are cut or lie.</summary>
public class CaptureFileTests
{
    private const long TimestampNs = 1_700_000_000_123_456_789;

    [Fact]
    public void Pcap_round_trips()
    {
        byte[][] frames = [.. Samples.All().Select(s => s.Frame)];
        using var directory = new TemporaryDirectory();
        string path = directory.File("a.pcap");
        PcapFile.WriteAll(path, frames);
        List<PcapRecord> records = PcapFile.ReadAll(path);
        Assert.Equal(frames, records.Select(r => r.Data.ToArray()));
        Assert.Equal(Enumerable.Range(0, frames.Length).Select(i => i * 1000L), records.Select(r => r.TimestampNs));
    }

    [Theory]
    [InlineData(0xA1B2C3D4, 1000)]
    [InlineData(0xA1B23C4D, 1)]
    public void Pcap_of_both_byte_orders_and_resolutions(uint magic, int nsPerTick)
    {
        byte[] file = new byte[24 + 16 + 3];
        BinaryPrimitives.WriteUInt32BigEndian(file, magic);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(16), 65_535);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(20), 1);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(24), 5);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(28), 7);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(32), 3);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(36), 60);
        using var reader = new PcapReader(new MemoryStream(file));
        Assert.True(reader.TryRead(out PcapRecord record));
        Assert.Equal((5_000_000_000 + (7L * nsPerTick), 60, 3), (record.TimestampNs, record.OriginalLength, record.Data.Length));
        Assert.False(reader.TryRead(out _));
        Assert.Equal((1, 65_535), (reader.LinkType, reader.SnapLength));
    }

    [Fact]
    public void Pcap_cut_anywhere_is_said_with_the_position()
    {
        var stream = new MemoryStream();
        using (var writer = new PcapWriter(stream))
            writer.Write(TimestampNs, [1, 2, 3, 4]);
        byte[] file = stream.ToArray();
        for (int length = 0; length < file.Length; length++)
        {
            byte[] cut = file[..length];
            if (length == 24)
                continue; // a file without packets
            Exception error = Assert.Throws<InvalidDataException>(() => ReadOne(cut));
            Assert.Contains(length < 24 ? "24-byte" : "byte 24", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Pcap_that_lies_is_refused()
    {
        var stream = new MemoryStream();
        using (var writer = new PcapWriter(stream))
            writer.Write(TimestampNs, [1, 2, 3, 4]);
        byte[] file = stream.ToArray();
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(32), 0x7FFF_FFFF);
        Assert.Contains("claims 2147483647",
            Assert.Throws<InvalidDataException>(() => ReadOne(file)).Message, StringComparison.Ordinal);
        file[0] = 0;
        Assert.Contains("magic", Assert.Throws<InvalidDataException>(() => ReadOne(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Pcap_is_cut_to_the_snap_length()
    {
        var stream = new MemoryStream();
        using (var writer = new PcapWriter(stream, snapLength: 2))
            writer.Write(TimestampNs, [1, 2, 3, 4]);
        PcapRecord record = ReadOne(stream.ToArray());
        Assert.Equal((TimestampNs, 4, 2), (record.TimestampNs, record.OriginalLength, record.Data.Length));
    }

    [Fact]
    public void Tshark_reads_a_pcapng_with_interfaces_comments_and_nanoseconds()
    {
        using var directory = new TemporaryDirectory();
        string path = directory.File("a.pcapng");
        byte[] frame = Samples.Frame().Ipv4("10.0.0.1", "10.0.0.2").Udp(1000, 53).Payload("x").Build();
        using (var writer = new PcapNgWriter(File.Create(path), "KernelBypass test", "the section's comment"))
        {
            int first = writer.AddInterface("port0", "the first port"), second = writer.AddInterface("stage:parse");
            writer.Write(first, TimestampNs, frame, direction: PcapNgDirection.Inbound);
            writer.Write(second, TimestampNs + 1, frame.AsSpan(0, 20), frame.Length, PcapNgDirection.Outbound, "drop: bad_ihl");
            writer.Write(first, TimestampNs + 2, new byte[5000]);
            writer.WriteStatistics(first, TimestampNs + 3, received: 10, dropped: 3);
        }
        string fields = Tool.Run("/usr/bin/tshark", "tshark", "-r", path, "-T", "fields", "-E", "separator=|",
            "-e", "frame.interface_name", "-e", "frame.time_epoch", "-e", "frame.cap_len", "-e", "frame.len",
                "-e", "frame.packet_flags_direction",
            "-e", "frame.comment", "-e", "udp.dstport");
        string[] lines = fields.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("port0|1700000000.123456789|43|43|0x00000001||53", lines[0]);
        Assert.Equal("stage:parse|1700000000.123456790|20|43|0x00000002|drop: bad_ihl|", lines[1]);
        Assert.Equal("port0|1700000000.123456791|5000|5000|||", lines[2]);
        string info = Tool.Run("/usr/bin/capinfos", "wireshark-common", path);
        Assert.Contains("File timestamp precision:  nanoseconds (9)", info, StringComparison.Ordinal);
        Assert.Contains("Capture application: KernelBypass test", info, StringComparison.Ordinal);
        Assert.Contains("Number of interfaces in file: 2", info, StringComparison.Ordinal);
        Assert.Contains("Name = stage:parse", info, StringComparison.Ordinal);
        Assert.Contains("Number of stat entries = 1", info, StringComparison.Ordinal);
    }

    [Fact]
    public void Tshark_finds_no_fault_in_any_sample()
    {
        using var directory = new TemporaryDirectory();
        string path = directory.File("samples.pcapng");
        using (var writer = new PcapNgWriter(File.Create(path)))
        {
            int port = writer.AddInterface("samples");
            foreach ((string name, byte[] frame) in Samples.All())
                writer.Write(port, TimestampNs, frame, comment: name);
            byte[] changed = Samples.Frame().Ipv4("10.0.0.1", "10.0.0.2").Tcp(61000, 61001).Payload("x").Build();
            changed[^1] ^= 1;
            writer.Write(port, TimestampNs, changed, comment: "changed"); // shows that the filter finds what it looks for
        }
        string bad = Tool.Run("/usr/bin/tshark", "tshark", "-r", path,
            "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE",
            "-o", "udp.check_checksum:TRUE", "-Y", "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 "
            + "|| udp.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0",
            "-T", "fields", "-e", "frame.comment");
        Assert.Equal("changed\n", bad);
    }

    [Fact]
    public void A_packet_of_an_unknown_interface_is_refused()
    {
        using var writer = new PcapNgWriter(new MemoryStream());
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Write(0, 0, new byte[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.WriteStatistics(0, 0, 0, 0));
    }

    private static PcapRecord ReadOne(byte[] file)
    {
        using var reader = new PcapReader(new MemoryStream(file));
        Assert.True(reader.TryRead(out PcapRecord record));
        return record;
    }
}
