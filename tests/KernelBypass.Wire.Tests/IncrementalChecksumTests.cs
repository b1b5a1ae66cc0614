using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;

namespace KernelBypass.Wire.Tests;

public class IncrementalChecksumTests
{
    private const int Rounds = 20_000;

    [Fact]
    public void The_example_of_rfc_1624_does_not_give_minus_zero()
    {
        // RFC 1624 section 4: HC DD2F, m 5555, m' 3285 must give 0000; RFC 1141's equation 2 gives FFFF.
        Assert.Equal(0x0000, IncrementalChecksum.Update(0xDD2F, (ushort)0x5555, (ushort)0x3285));
    }

    [Fact]
    public void A_16_bit_change_equals_a_full_computation() => Prop.ForAll<byte[], ushort, byte>((data, value, where) =>
    {
        byte[] bytes = [.. data, 1, 2]; // never all zero
        int offset = where % (bytes.Length / 2) * 2;
        ushort before = Checksum.Compute(bytes);
        ushort old = BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(offset));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(offset), value);
        return Array.TrueForAll(bytes, b => b == 0) || IncrementalChecksum.Update(before, old, value) == Checksum.Compute(bytes);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Changes_of_32_and_128_bits_equal_a_full_computation()
    {
        var random = new Random(1624);
        byte[] data = new byte[40];
        for (int round = 0; round < Rounds; round++)
        {
            random.NextBytes(data);
            data[0] = 0x45;
            ushort before = Checksum.Compute(data);
            UInt128 old = BinaryPrimitives.ReadUInt128BigEndian(data.AsSpan(12));
            UInt128 value = Interesting(random);
            uint old32 = BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(12));
            BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(12), (uint)value);
            Assert.Equal(Checksum.Compute(data), IncrementalChecksum.Update(before, old32, (uint)value));
            BinaryPrimitives.WriteUInt128BigEndian(data.AsSpan(12), value);
            Assert.Equal(Checksum.Compute(data), IncrementalChecksum.Update(before, old, value));
        }
    }

    [Fact]
    public void A_change_of_several_words_equals_a_full_computation()
    {
        var random = new Random(7);
        byte[] data = new byte[60];
        for (int round = 0; round < Rounds; round++)
        {
            random.NextBytes(data);
            data[59] |= 1;
            ushort before = Checksum.Compute(data);
            int offset = random.Next(20) * 2;
            byte[] old = data.AsSpan(offset, random.Next(9) * 2).ToArray();
            byte[] changed = new byte[old.Length];
            random.NextBytes(changed);
            changed.CopyTo(data, offset);
            Assert.Equal(Checksum.Compute(data), IncrementalChecksum.Update(before, old, changed));
        }
    }

    [Fact]
    public void Spans_of_odd_or_different_length_are_refused()
    {
        Assert.Throws<ArgumentException>(() => IncrementalChecksum.Update(1, new byte[3], new byte[3]));
        Assert.Throws<ArgumentException>(() => IncrementalChecksum.Update(1, new byte[2], new byte[4]));
    }

    [Fact]
    public void Every_16_bit_change_of_a_header_keeps_it_valid()
    {
        byte[] header = Samples.Frame().Ipv4("0.0.0.0", "255.255.255.255").Build()[14..];
        ushort before = BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(10));
        ushort old = BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(8));
        for (int value = 0; value <= ushort.MaxValue; value++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(8), (ushort)value);
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(10), IncrementalChecksum.Update(before, old, (ushort)value));
            Assert.True(Checksum.IsValid(header));
        }
    }

    [Fact]
    public void An_absent_udp_checksum_stays_absent()
    {
        Assert.Equal(0, IncrementalChecksum.UpdateUdp(0, (ushort)1, (ushort)2));
        Assert.Equal(0, IncrementalChecksum.UpdateUdp(0, 1u, 2u));
        Assert.Equal(0, IncrementalChecksum.UpdateUdp(0, UInt128.One, UInt128.MaxValue));
    }

    [Fact]
    public void A_udp_checksum_that_becomes_zero_is_sent_as_all_ones() =>
        Assert.Equal(0xFFFF, IncrementalChecksum.UpdateUdp(0xDD2F, (ushort)0x5555, (ushort)0x3285));

    [Fact]
    public void A_udp_checksum_of_all_ones_is_updated_as_the_zero_that_it_stands_for()
    {
        // For every new port a datagram whose checksum was FFFF stays valid.
        byte[] frame = FrameWithUdpChecksumOfAllOnes();
        Assert.True(Ipv4View.TryParse(frame.AsSpan(14), out Ipv4View ip));
        uint pseudo = ip.PseudoHeaderSum;
        byte[] datagram = ip.Payload.ToArray();
        Assert.Equal(0xFFFF, BinaryPrimitives.ReadUInt16BigEndian(datagram.AsSpan(6)));
        ushort old = BinaryPrimitives.ReadUInt16BigEndian(datagram);
        for (int port = 0; port <= ushort.MaxValue; port++)
        {
            ushort checksum = IncrementalChecksum.UpdateUdp(0xFFFF, old, (ushort)port);
            BinaryPrimitives.WriteUInt16BigEndian(datagram, (ushort)port);
            BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(6), checksum);
            Assert.NotEqual(0, checksum);
            Assert.True(Checksum.IsValid(datagram, pseudo));
        }
    }

    private static byte[] FrameWithUdpChecksumOfAllOnes()
    {
        // The checksum of the datagram with a zero word of payload, put in that word, makes the sum all ones.
        byte[] probe = Samples.Frame().Ipv4("10.0.0.1", "10.0.0.2").Udp(1000, 2000).Payload([0, 0]).Build();
        byte[] word = probe[40..42];
        return Samples.Frame().Ipv4("10.0.0.1", "10.0.0.2").Udp(1000, 2000).Payload(word).Build();
    }

    private static UInt128 Interesting(Random random) => random.Next(4) switch
    {
        0 => UInt128.Zero,
        1 => UInt128.MaxValue,
        _ => new UInt128((ulong)random.NextInt64(), (ulong)random.NextInt64() << 1),
    };
}
