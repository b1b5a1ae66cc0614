using System.Buffers.Binary;

namespace KernelBypass.Dpdk.Tests;

/// <summary>The classic pcap format, little-endian, Ethernet.</summary>
internal static class PcapFile
{
    private const int FileHeader = 24;
    private const int RecordHeader = 16;

    internal static void Write(string path, params byte[][] frames)
    {
        using FileStream file = File.Create(path);
        Span<byte> header = stackalloc byte[FileHeader];
        BinaryPrimitives.WriteUInt32LittleEndian(header, 0xa1b2c3d4);
        header[4] = 2;
        header[6] = 4;
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], 65535);
        header[20] = 1;
        file.Write(header);
        foreach (byte[] frame in frames)
        {
            Span<byte> record = header[..RecordHeader];
            record.Clear();
            BinaryPrimitives.WriteInt32LittleEndian(record[8..], frame.Length);
            BinaryPrimitives.WriteInt32LittleEndian(record[12..], frame.Length);
            file.Write(record);
            file.Write(frame);
        }
    }

    internal static List<byte[]> Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        var frames = new List<byte[]>();
        for (int at = FileHeader; at < bytes.Length;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 8));
            frames.Add(bytes[(at + RecordHeader)..(at + RecordHeader + length)]);
            at += RecordHeader + length;
        }

        return frames;
    }
}
