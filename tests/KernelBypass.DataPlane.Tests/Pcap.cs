using System.Buffers.Binary;

namespace KernelBypass.DataPlane.Tests;

/// <summary>Classic pcap files for net_pcap ports.</summary>
internal static class Pcap
{
    internal static void Write(string path, params IEnumerable<byte[]> frames)
    {
        using var file = File.Create(path);
        using var writer = new BinaryWriter(file);
        foreach (var word in (uint[])[0xa1b2c3d4, 0x00040002, 0, 0, 65_535, 1]) writer.Write(word);
        foreach (var frame in frames)
        {
            foreach (var word in (uint[])[0, 0, (uint)frame.Length, (uint)frame.Length]) writer.Write(word);
            writer.Write(frame);
        }
    }

    internal static List<byte[]> Read(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var frames = new List<byte[]>();
        for (var at = 24; at + 16 <= bytes.Length;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 8));
            frames.Add(bytes.AsSpan(at + 16, length).ToArray());
            at += 16 + length;
        }

        return frames;
    }

    /// <summary>Ethernet, IPv4, UDP.</summary>
    internal static byte[] Udp(byte host, ushort port, int length = 60)
    {
        var frame = new byte[length];
        (frame[0], frame[5], frame[6], frame[11]) = (2, 1, 2, (byte)(100 + host));
        (frame[12], frame[14], frame[22], frame[23]) = (8, 0x45, 64, 17);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(16), (ushort)(length - 14));
        (frame[26], frame[29], frame[30], frame[33]) = (10, host, 10, 99);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(34), port);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(36), 53);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(38), (ushort)(length - 34));
        uint sum = 0;
        for (var i = 14; i < 34; i += 2) sum += BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(i));
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(24), (ushort)~sum);
        return frame;
    }
}
