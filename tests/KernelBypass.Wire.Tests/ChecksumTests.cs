using FsCheck;
using FsCheck.Fluent;

namespace KernelBypass.Wire.Tests;

public class ChecksumTests
{
    // RFC 1071 section 3, the worked example: the words 0001 f203 f4f5 f6f7 sum to ddf2.
    private static readonly byte[] s_rfcExample = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];

    [Fact]
    public void The_example_of_rfc_1071_gives_its_sum()
    {
        Assert.Equal(0xDDF2u, Checksum.SumReference(s_rfcExample));
        Assert.Equal(0xDDF2u, Checksum.Sum(s_rfcExample));
        Assert.Equal(0x220D, Checksum.Compute(s_rfcExample));
    }

    [Fact]
    public void An_odd_last_byte_is_the_high_half_of_a_word() => Assert.Equal(0xAB00u, Checksum.Sum([0xAB]));

    [Fact]
    public void An_empty_span_sums_to_zero() => Assert.Equal(0xFFFF, Checksum.Compute([]));

    [Fact]
    public void Every_length_and_alignment_agrees_with_the_reference()
    {
        var random = new Random(1071);
        byte[] data = new byte[700];
        random.NextBytes(data);
        for (int start = 0; start < 8; start++)
        {
            for (int length = 0; start + length <= data.Length; length++)
            {
                ReadOnlySpan<byte> span = data.AsSpan(start, length);
                uint expected = Checksum.SumReference(span);
                Assert.Equal(expected, Checksum.SumScalar(span));
                Assert.Equal(expected, Checksum.SumVector(span));
                Assert.Equal(expected, Checksum.Sum(span));
            }
        }
    }

    [Theory]
    [InlineData(0x00)]
    [InlineData(0xFF)]
    public void Long_runs_of_one_byte_carry_right(byte value)
    {
        byte[] data = new byte[65_535];
        Array.Fill(data, value);
        Assert.Equal(Checksum.SumReference(data), Checksum.SumScalar(data));
        Assert.Equal(Checksum.SumReference(data), Checksum.SumVector(data));
    }

    [Fact]
    public void Pieces_of_any_length_sum_as_the_whole() => Prop.ForAll<byte[], byte[], byte[]>((a, b, c) =>
    {
        var accumulator = new ChecksumAccumulator(0x1234);
        accumulator.Add(a);
        accumulator.Add(b);
        accumulator.Add(c);
        return accumulator.Finish() == Checksum.Compute([.. a, .. b, .. c], 0x1234);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Data_that_hold_their_checksum_are_valid_and_one_changed_bit_is_not()
    {
        byte[] data = [.. s_rfcExample, 0, 0];
        ushort checksum = Checksum.Compute(data);
        data[^2] = (byte)(checksum >> 8);
        data[^1] = (byte)checksum;
        Assert.True(Checksum.IsValid(data));
        for (int bit = 0; bit < data.Length * 8; bit++)
        {
            data[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(Checksum.IsValid(data));
            data[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }
}
