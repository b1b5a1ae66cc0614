using FsCheck;
using FsCheck.Fluent;

namespace KernelBypass.Wire.Tests;

public class MacAddressTests
{
    [Fact]
    public void Text_round_trips() => Prop.ForAll<ulong>(value =>
    {
        var mac = new MacAddress(value);
        byte[] bytes = new byte[6];
        mac.Write(bytes);
        string text = mac.ToString();
        return MacAddress.Parse(text) == mac && MacAddress.Parse(text.Replace(':', '-').ToUpperInvariant()) == mac
            && MacAddress.Read(bytes) == mac;
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("")]
    [InlineData("02:00:00:00:00")]
    [InlineData("02:00:00:00:00:0g")]
    [InlineData("02:00:00:00:00:001")]
    [InlineData("02:00-00:00:00:01")]
    [InlineData("020000000001")]
    [InlineData("02.00.00.00.00.01")]
    public void What_is_no_address_is_refused_with_the_text_in_the_message(string text)
    {
        Assert.False(MacAddress.TryParse(text, out _));
        Assert.Contains($"'{text}'",
            Assert.Throws<FormatException>(() => MacAddress.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Kinds_of_address_are_told_apart()
    {
        Assert.True(MacAddress.Broadcast is { IsBroadcast: true, IsMulticast: true, IsUnicast: false });
        Assert.True(MacAddress.Parse("01:00:5e:00:00:01") is { IsBroadcast: false, IsMulticast: true, IsLocal: false });
        Assert.True(MacAddress.Parse("02:00:00:00:00:01") is { IsUnicast: true, IsLocal: true });
        Assert.False(MacAddress.Zero.IsUnicast);
    }

    [Fact]
    public void Multicast_groups_map_to_their_addresses()
    {
        Assert.Equal("33:33:ff:00:00:02", MacAddress.ForIpv6Multicast(AddressText.ParseIpv6("ff02::1:ff00:2")).ToString());
        Assert.Equal("01:00:5e:01:02:03", MacAddress.ForIpv4Multicast(AddressText.ParseIpv4("239.129.2.3")).ToString());
    }
}
