using KernelBypass.Fuzz.Tests.Harness;

namespace KernelBypass.Fuzz.Tests;

/// <summary>The guard pages are there: the kernel refuses to read the byte next to an input.</summary>
public unsafe class GuardedBufferTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(60)]
    [InlineData(4096)]
    public void The_byte_after_an_input_cannot_be_read(int length)
    {
        using var buffer = new GuardedBuffer(length);
        fixed (byte* bytes = buffer.PlaceAtEnd(new byte[length]))
        {
            Assert.True(GuardedBuffer.IsReadable(bytes));
            Assert.True(GuardedBuffer.IsReadable(bytes + length - 1));
            Assert.False(GuardedBuffer.IsReadable(bytes + length));
        }
    }

    [Fact]
    public void The_byte_before_an_input_cannot_be_read()
    {
        using var buffer = new GuardedBuffer(100);
        fixed (byte* bytes = buffer.PlaceAtStart(new byte[100]))
        {
            Assert.True(GuardedBuffer.IsReadable(bytes));
            Assert.False(GuardedBuffer.IsReadable(bytes - 1));
        }
    }
}
