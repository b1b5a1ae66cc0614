using Google.Protobuf;
using Grpc.Testing;

namespace KernelBypass.Grpc.Tests;

/// <summary>The server against requests made by hand, good and bad: which HTTP and gRPC status each gets.</summary>
public sealed class ServerWireTests : IAsyncLifetime
{
    private const string EmptyCall = "/grpc.testing.TestService/EmptyCall";
    private const string UnaryCall = "/grpc.testing.TestService/UnaryCall";
    private const string InputCall = "/grpc.testing.TestService/StreamingInputCall";
    private static readonly byte[] s_empty = RawUnary.Frame(0, []);

    private GrpcTestServer _server = null!;

    public async Task InitializeAsync() => _server = await GrpcTestServer.StartAsync();

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    [Theory]
    [InlineData("application/grpc")]
    [InlineData("application/grpc+proto")]
    [InlineData("application/grpc;x=y")]
    public async Task Grpc_content_types_are_taken(string contentType)
    {
        using var response = await PostAsync(EmptyCall, s_empty, contentType);
        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal("application/grpc", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("0", (await RawUnary.StatusAsync(response)).Code);
        Assert.Equal(s_empty, await response.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/grpc+json")]
    [InlineData("application/grpc-web+proto")]
    [InlineData(null)]
    public async Task Other_content_types_are_415(string? contentType)
    {
        using var response = await PostAsync(EmptyCall, s_empty, contentType);
        Assert.Equal(415, (int)response.StatusCode);
    }

    [Fact]
    public async Task Get_is_405()
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_server.Address, EmptyCall))
        {
            Version = new Version(2, 0),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var response = await client.SendAsync(request);
        Assert.Equal(405, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("/grpc.testing.TestService/Nothing")]
    [InlineData("/no.such.Service/Method")]
    public async Task Unknown_methods_are_unimplemented_in_a_trailers_only_response(string path)
    {
        using var response = await PostAsync(path, s_empty);
        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal("12", response.Headers.GetValues("grpc-status").Single());
        Assert.Equal("application/grpc", response.Content.Headers.ContentType!.ToString());
        Assert.Empty(response.TrailingHeaders);
    }

    [Theory]
    [InlineData("/no/such/path")]
    [InlineData("/nothing")]
    public async Task Paths_that_are_no_methods_are_404(string path)
    {
        using var response = await PostAsync(path, s_empty);
        Assert.Equal(404, (int)response.StatusCode);
    }

    [Fact]
    public async Task Unknown_encodings_are_unimplemented_and_told_what_is_known()
    {
        using var response = await PostAsync(EmptyCall, s_empty, headers: ("grpc-encoding", "snappy"));
        var (code, message) = await RawUnary.StatusAsync(response);
        Assert.Equal("12", code);
        Assert.Contains("snappy", message, StringComparison.Ordinal);
        Assert.Equal("identity,gzip", string.Join(',', response.Headers.GetValues("grpc-accept-encoding")));
    }

    [Fact]
    public async Task Gzip_requests_are_taken_and_the_encoding_is_disclosed()
    {
        var frame = RawUnary.Frame(1, RawUnary.Gzip(new SimpleRequest { ResponseSize = 3 }.ToByteArray()));
        using var response = await PostAsync(UnaryCall, frame, headers: ("grpc-encoding", "gzip"));
        Assert.Equal("0", (await RawUnary.StatusAsync(response)).Code);
        Assert.Contains("gzip", string.Join(',', response.Headers.GetValues("grpc-accept-encoding")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Responses_are_not_compressed_for_a_client_that_does_not_accept_it()
    {
        var request = new SimpleRequest { ResponseSize = 1000, ResponseCompressed = new BoolValue { Value = true } };
        using var response = await PostAsync(UnaryCall, RawUnary.Frame(0, request.ToByteArray()));
        Assert.Equal(0, (await response.Content.ReadAsByteArrayAsync())[0]);
        Assert.False(response.Headers.Contains("grpc-encoding"));
    }

    public static TheoryData<string, byte[], string> BadBodies => new()
    {
        { "compressed flag without an encoding", RawUnary.Frame(1, RawUnary.Gzip([])), "13" },
        { "unknown flag", RawUnary.Frame(7, []), "13" },
        { "truncated prefix", [0, 0, 0], "13" },
        { "truncated message", [0, 0, 0, 0, 9, 1, 2], "13" },
        { "huge length", [0, 0xff, 0xff, 0xff, 0xff], "8" },
        { "more than the limit", [0, 0, 0x40, 0, 1], "8" },
        { "not protobuf", RawUnary.Frame(0, [0xff, 0xff, 0xff]), "13" },
        { "protobuf cut short", RawUnary.Frame(0, [0x1a, 0x7f, 1]), "13" },
        { "no message", [], "12" },
        { "two messages", [.. s_empty, .. s_empty], "12" },
        { "bytes after the message", [.. s_empty, 0, 0], "13" },
    };

    [Theory]
    [MemberData(nameof(BadBodies))]
    public async Task Bad_bodies_have_their_status(string what, byte[] body, string code)
    {
        using var response = await PostAsync(UnaryCall, body);
        var status = await RawUnary.StatusAsync(response);
        Assert.True(code == status.Code, $"{what}: {status}");
        await StillServesAsync();
    }

    [Theory]
    [InlineData("x")]
    [InlineData("1")]
    [InlineData("123456789S")]
    [InlineData("-1S")]
    public async Task A_malformed_timeout_is_internal(string timeout)
    {
        using var response = await PostAsync(EmptyCall, s_empty, headers: ("grpc-timeout", timeout));
        Assert.Equal("13", (await RawUnary.StatusAsync(response)).Code);
    }

    [Theory]
    [InlineData("99999999H")]
    [InlineData("99999999S")]
    [InlineData("99999999m")]
    public async Task Long_timeouts_are_taken(string timeout)
    {
        using var response = await PostAsync(EmptyCall, s_empty, headers: ("grpc-timeout", timeout));
        Assert.Equal("0", (await RawUnary.StatusAsync(response)).Code);
    }

    [Theory]
    [InlineData("1n")]
    [InlineData("20m")]
    public async Task The_server_itself_ends_a_call_at_its_deadline(string timeout)
    {
        var request = new StreamingOutputCallRequest();
        request.ResponseParameters.Add(new ResponseParameters { IntervalUs = 60_000_000 });
        using var response = await PostAsync(
            "/grpc.testing.TestService/StreamingOutputCall",
            RawUnary.Frame(0, request.ToByteArray()),
            headers: ("grpc-timeout", timeout));
        Assert.Equal("4", (await RawUnary.StatusAsync(response)).Code);
    }

    [Fact]
    public async Task Random_bodies_never_hurt_the_server()
    {
        var random = new System.Random(20261122);
        for (int i = 0; i < 300; i++)
        {
            var body = new byte[random.Next(0, 200)];
            random.NextBytes(body);
            // Most with a plausible prefix, so that the bytes get as far as the parser.
            if (body.Length > 5 && i % 4 != 0)
            {
                body[0] = (byte)(i % 2);
                int length = i % 3 == 0 ? body.Length - 5 : random.Next(0, 250);
                System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), length);
            }

            using var response = await PostAsync(
                i % 5 < 3 ? UnaryCall : InputCall, body, headers: ("grpc-encoding", i % 2 == 0 ? "gzip" : "identity"));
            var (code, _) = await RawUnary.StatusAsync(response);
            Assert.Contains(code, new[] { "0", "3", "8", "12", "13" });
        }

        await StillServesAsync();
        Assert.DoesNotContain(_server.Log.Entries, e => e.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
    }

    private async Task StillServesAsync()
    {
        using var response = await PostAsync(EmptyCall, s_empty);
        Assert.Equal("0", (await RawUnary.StatusAsync(response)).Code);
    }

    private Task<HttpResponseMessage> PostAsync(
        string path, byte[] body, string? contentType = "application/grpc", params (string, string)[] headers) =>
        RawUnary.PostAsync(_server.Address, path, body, contentType, headers);
}
