using FsCheck;
using FsCheck.Fluent;
using Grpc.Core;
using Grpc.Protocol;

namespace KernelBypass.Grpc.Tests;

/// <summary>The small formats of PROTOCOL-HTTP2.md.</summary>
public sealed class ProtocolTests
{
    [Theory]
    [InlineData("1H", 36_000_000_000)]
    [InlineData("2M", 1_200_000_000)]
    [InlineData("3S", 30_000_000)]
    [InlineData("4m", 40_000)]
    [InlineData("5u", 50)]
    [InlineData("600n", 6)]
    [InlineData("601n", 7)]
    [InlineData("0n", 0)]
    [InlineData("99999999S", 999_999_990_000_000)]
    public void Timeouts_of_every_unit_are_read(string text, long ticks)
    {
        Assert.True(TimeoutHeader.TryParse(text, out var timeout));
        Assert.Equal(ticks, timeout.Ticks);
    }

    [Fact]
    public void The_longest_timeout_does_not_overflow()
    {
        Assert.True(TimeoutHeader.TryParse("99999999H", out var timeout));
        Assert.Equal(99_999_999L * 36_000_000_000, timeout.Ticks);
    }

    [Theory]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("1")]
    [InlineData("1s")]
    [InlineData("1h")]
    [InlineData("-1S")]
    [InlineData("+1S")]
    [InlineData(" 1S")]
    [InlineData("1.5S")]
    [InlineData("123456789S")]
    [InlineData("1SS")]
    [InlineData("0x1S")]
    public void Malformed_timeouts_are_refused(string text) => Assert.False(TimeoutHeader.TryParse(text, out _));

    [Fact]
    public void A_timeout_is_written_no_shorter_and_nearly_as_it_is() => Prop.ForAll<uint, uint>((high, low) =>
    {
        var timeout = TimeSpan.FromTicks(((long)(high >> 4) << 32) | low | 1);
        string text = TimeoutHeader.Format(timeout);
        return text.Length <= 9
            && TimeoutHeader.TryParse(text, out var read)
            && (read >= timeout || text.EndsWith('H'))
            && (read - timeout).Ticks <= (timeout.Ticks / 100) + TimeSpan.TicksPerHour;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_timeout_that_has_passed_is_the_shortest() => Assert.Equal("1n", TimeoutHeader.Format(TimeSpan.FromSeconds(-1)));

    [Fact]
    public void A_status_message_survives_its_encoding() => Prop.ForAll<char[]>(text =>
    {
        string valid = new([.. text.Where(c => !char.IsSurrogate(c))]);
        string encoded = PercentEncoding.Encode(valid);
        return encoded.All(c => c is >= ' ' and <= '~') && PercentEncoding.Decode(encoded) == valid;
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("100%", "100%25")]
    [InlineData("☺\n", "%E2%98%BA%0A")]
    [InlineData("😈", "%F0%9F%98%88")]
    public void Status_messages_are_percent_encoded(string text, string encoded) =>
        Assert.Equal(encoded, PercentEncoding.Encode(text));

    [Theory]
    [InlineData("%", "%")]
    [InlineData("%4", "%4")]
    [InlineData("%zz", "%zz")]
    [InlineData("a%20b%2", "a b%2")]
    [InlineData("%41%", "A%")]
    public void What_is_not_valid_encoding_is_passed_on(string encoded, string text) =>
        Assert.Equal(text, PercentEncoding.Decode(encoded));

    [Fact]
    public void Binary_metadata_survives_the_wire() => Prop.ForAll<byte[], byte[], bool>((first, second, padded) =>
    {
        var sent = new[] { first, second }.Select(b => Wire(b, padded));
        var metadata = new Metadata();
        MetadataHeaders.AddFromWire(metadata, "Key-Bin", string.Join(", ", sent));
        return metadata.Count == 2
            && metadata[0].Key == "key-bin"
            && metadata[0].ValueBytes.SequenceEqual(first)
            && metadata[1].ValueBytes.SequenceEqual(second);

        static string Wire(byte[] bytes, bool padded) => padded
            ? Convert.ToBase64String(bytes)
            : MetadataHeaders.WireValue(new Metadata.Entry("key-bin", bytes));
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("A")]
    [InlineData("AB*D")]
    [InlineData("AAAAA")]
    public void Binary_metadata_that_is_no_base64_is_left_out(string value)
    {
        var metadata = new Metadata();
        MetadataHeaders.AddFromWire(metadata, "key-bin", value);
        Assert.Empty(metadata);
    }

    [Fact]
    public void Any_header_from_a_peer_is_taken_without_failing() => Prop.ForAll<char[], char[]>((name, value) =>
    {
        var metadata = new Metadata();
        MetadataHeaders.AddFromWire(metadata, new string(name), new string(value));
        MetadataHeaders.AddFromWire(metadata, new string(name) + "-bin", new string(value));
        return metadata.All(e => e.IsBinary == e.Key.EndsWith("-bin", StringComparison.Ordinal));
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("grpc-status")]
    [InlineData("grpc-timeout")]
    [InlineData("grpc-encoding")]
    [InlineData("content-type")]
    [InlineData("te")]
    [InlineData("connection")]
    public void Reserved_headers_are_neither_sent_nor_shown_as_metadata(string key)
    {
        Assert.Throws<ArgumentException>(() => MetadataHeaders.WireValue(new Metadata.Entry(key, "x")));
        var metadata = new Metadata();
        MetadataHeaders.AddFromWire(metadata, key, "x");
        Assert.Empty(metadata);
    }

    [Theory]
    [InlineData("")]
    [InlineData("käse")]
    [InlineData("a b")]
    [InlineData(":path")]
    public void Bad_metadata_keys_are_refused(string key) =>
        Assert.Throws<ArgumentException>(() => new Metadata.Entry(key, "x"));

    [Fact]
    public void Metadata_values_fit_their_keys()
    {
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("key-bin", "text"));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("key", [1]));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("key", "line\nbreak"));
        Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Add("key", "x"));
        var entry = new Metadata.Entry("KEY", "x");
        Assert.Equal("key", entry.Key);
    }

    [Theory]
    [InlineData("application/grpc", true)]
    [InlineData("application/grpc+proto", true)]
    [InlineData("Application/GRPC; charset=utf-8", true)]
    [InlineData("application/grpc+json", false)]
    [InlineData("application/grpc-web", false)]
    [InlineData("application/grpcx", false)]
    [InlineData("application/json", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Content_types(string? contentType, bool isGrpc) =>
        Assert.Equal(isGrpc, HeaderNames.IsGrpcContentType(contentType));

    [Theory]
    [InlineData(400, StatusCode.Internal)]
    [InlineData(401, StatusCode.Unauthenticated)]
    [InlineData(403, StatusCode.PermissionDenied)]
    [InlineData(404, StatusCode.Unimplemented)]
    [InlineData(429, StatusCode.Unavailable)]
    [InlineData(502, StatusCode.Unavailable)]
    [InlineData(503, StatusCode.Unavailable)]
    [InlineData(504, StatusCode.Unavailable)]
    [InlineData(500, StatusCode.Unknown)]
    [InlineData(200, StatusCode.Unknown)]
    public void Http_statuses(int http, StatusCode code) => Assert.Equal(code, StatusMapping.FromHttpStatus(http));

    [Theory]
    [InlineData(0x0, StatusCode.Internal)]
    [InlineData(0x1, StatusCode.Internal)]
    [InlineData(0x2, StatusCode.Internal)]
    [InlineData(0x3, StatusCode.Internal)]
    [InlineData(0x7, StatusCode.Unavailable)]
    [InlineData(0x8, StatusCode.Cancelled)]
    [InlineData(0xb, StatusCode.ResourceExhausted)]
    [InlineData(0xc, StatusCode.PermissionDenied)]
    public void Http2_error_codes(long error, StatusCode code) => Assert.Equal(code, StatusMapping.FromHttp2Error(error));

    [Theory]
    [InlineData("0", StatusCode.OK)]
    [InlineData("16", StatusCode.Unauthenticated)]
    [InlineData("17", StatusCode.Unknown)]
    [InlineData("-1", StatusCode.Unknown)]
    [InlineData("x", StatusCode.Unknown)]
    [InlineData("", StatusCode.Unknown)]
    public void Status_codes_on_the_wire(string text, StatusCode code) => Assert.Equal(code, StatusMapping.ParseStatusCode(text));
}
