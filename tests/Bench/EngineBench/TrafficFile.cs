using System.Buffers.Binary;

namespace KernelBypass.Bench.EngineBench;

/// <summary>A pcap file of UDP packets with distinct 5-tuples.</summary>
internal static class TrafficFile
{
    internal static void Write(string path, int packets, int frameLength)
    {
        using var file = File.Create(path);
        var header = new byte[24];
        BinaryPrimitives.WriteUInt32LittleEndian(header, 0xa1b2c3d4);
        header[4] = 2; // version 2.4
        header[6] = 4;
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(16), 65535);
        header[20] = 1; // LINKTYPE_ETHERNET
        file.Write(header);
        var record = new byte[16 + frameLength];
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(8), frameLength);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(12), frameLength);
        for (var i = 0; i < packets; i++)
        {
            Frame(record.AsSpan(16), i);
            file.Write(record);
        }
    }

    private static void Frame(Span<byte> frame, int number)
    {
        frame.Clear();
        frame[0] = 2;
        frame[6] = 2;
        frame[11] = 1;
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], 0x0800);
        var ip = frame[14..];
        ip[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)(frame.Length - 14));
        ip[8] = 64;
        ip[9] = 17;
        BinaryPrimitives.WriteUInt32BigEndian(ip[12..], 0x0a000001u + (uint)number);
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], 0x0b000001u);
        BinaryPrimitives.WriteUInt16BigEndian(ip[20..], (ushort)(1024 + (number % 50_000)));
        BinaryPrimitives.WriteUInt16BigEndian(ip[22..], 80);
        BinaryPrimitives.WriteUInt16BigEndian(ip[24..], (ushort)(frame.Length - 34));
    }
}
