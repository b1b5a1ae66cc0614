using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace KernelBypass.Grpc.Tests;

/// <summary>Our client against answers made by hand, such as a broken or malicious server or a proxy might give.</summary>
public sealed class ClientWireTests : IAsyncLifetime
{
    private GrpcTestServer _server = null!;
    private RequestDelegate _answer = _ => Task.CompletedTask;

    private TestService.TestServiceClient Client => new(_server.Channel);

    public async Task InitializeAsync() =>
        _server = await GrpcTestServer.StartAsync(app => app.Run(context => _answer(context)));

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    [Theory]
    [InlineData(400, StatusCode.Internal)]
    [InlineData(401, StatusCode.Unauthenticated)]
    [InlineData(403, StatusCode.PermissionDenied)]
    [InlineData(404, StatusCode.Unimplemented)]
    [InlineData(429, StatusCode.Unavailable)]
    [InlineData(500, StatusCode.Unknown)]
    [InlineData(502, StatusCode.Unavailable)]
    [InlineData(503, StatusCode.Unavailable)]
    [InlineData(504, StatusCode.Unavailable)]
    [InlineData(301, StatusCode.Unknown)]
    public async Task Http_errors_without_grpc_status_are_mapped(int http, StatusCode code)
    {
        _answer = context =>
        {
            context.Response.StatusCode = http;
            return context.Response.WriteAsync("<html>");
        };
        await BothFailAsync(code);
    }

    [Fact]
    public async Task A_grpc_status_goes_before_the_http_status()
    {
        _answer = context =>
        {
            context.Response.StatusCode = 503;
            context.Response.Headers["grpc-status"] = "9";
            return Task.CompletedTask;
        };
        await BothFailAsync(StatusCode.FailedPrecondition);
    }

    [Theory]
    [InlineData("text/html")]
    [InlineData("application/grpc-web")]
    [InlineData(null)]
    public async Task Content_that_is_not_grpc_is_unknown(string? contentType)
    {
        _answer = context =>
        {
            context.Response.ContentType = contentType;
            return context.Response.Body.WriteAsync(RawUnary.Frame(0, [])).AsTask();
        };
        await BothFailAsync(StatusCode.Unknown);
    }

    [Theory]
    [InlineData(null, StatusCode.Unknown)]
    [InlineData("99", StatusCode.Unknown)]
    [InlineData("abc", StatusCode.Unknown)]
    [InlineData("5", StatusCode.NotFound)]
    public async Task Trailers_missing_or_odd(string? status, StatusCode code)
    {
        _answer = Response([RawUnary.Frame(0, [])], status);
        await BothFailAsync(code);
    }

    [Theory]
    [InlineData("snappy", StatusCode.Internal)]
    [InlineData("gzip, gzip", StatusCode.Internal)]
    public async Task Unknown_encodings_are_internal(string encoding, StatusCode code)
    {
        _answer = context =>
        {
            context.Response.Headers["grpc-encoding"] = encoding;
            return Response([RawUnary.Frame(0, [])], "0")(context);
        };
        await BothFailAsync(code);
    }

    public static TheoryData<string, byte[], StatusCode> BadBodies => new()
    {
        { "compressed without encoding", RawUnary.Frame(1, [1]), StatusCode.Internal },
        { "unknown flag", RawUnary.Frame(9, [1]), StatusCode.Internal },
        { "truncated prefix", [0, 0], StatusCode.Internal },
        { "truncated message", [0, 0, 0, 0, 9, 1], StatusCode.Internal },
        { "huge length", [0, 0xff, 0xff, 0xff, 0xff], StatusCode.ResourceExhausted },
        { "over the limit", [0, 0, 0x40, 0, 1], StatusCode.ResourceExhausted },
        { "not protobuf", RawUnary.Frame(0, [0xff, 0xff, 0xff]), StatusCode.Internal },
    };

    [Theory]
    [MemberData(nameof(BadBodies))]
    public async Task Bad_messages_have_their_status(string what, byte[] body, StatusCode code)
    {
        _answer = Response([body], "0");
        Assert.NotEmpty(what);
        await BothFailAsync(code);
    }

    [Fact]
    public async Task A_unary_response_is_exactly_one_message()
    {
        foreach (byte[][] bodies in new byte[][][] { [], [RawUnary.Frame(0, []), RawUnary.Frame(0, [])] })
        {
            _answer = Response(bodies, "0");
            var error = await Assert.ThrowsAsync<RpcException>(async () => await Client.UnaryCallAsync(new SimpleRequest()));
            Assert.Equal(StatusCode.Unimplemented, error.StatusCode);
        }
    }

    [Theory]
    [InlineData(0x0, StatusCode.Internal)]
    [InlineData(0x1, StatusCode.Internal)]
    [InlineData(0x2, StatusCode.Internal)]
    [InlineData(0x3, StatusCode.Internal)]
    [InlineData(0x7, StatusCode.Unavailable)]
    [InlineData(0x8, StatusCode.Cancelled)]
    [InlineData(0xb, StatusCode.ResourceExhausted)]
    [InlineData(0xc, StatusCode.PermissionDenied)]
    public async Task Resets_are_mapped_before_and_after_the_headers(int errorCode, StatusCode code)
    {
        _answer = context =>
        {
            context.Features.Get<IHttpResetFeature>()!.Reset(errorCode);
            return Task.CompletedTask;
        };
        await BothFailAsync(code);
        _answer = async context =>
        {
            context.Response.ContentType = "application/grpc";
            await context.Response.Body.WriteAsync(RawUnary.Frame(0, []));
            await context.Response.Body.FlushAsync();
            context.Features.Get<IHttpResetFeature>()!.Reset(errorCode);
        };
        await BothFailAsync(code);
    }

    [Fact]
    public async Task Random_answers_never_hurt_the_client()
    {
        var random = new System.Random(20261122);
        for (int i = 0; i < 200; i++)
        {
            var body = new byte[random.Next(0, 100)];
            random.NextBytes(body);
            if (body.Length > 5 && i % 3 != 0)
            {
                body[0] = (byte)(i % 2);
                System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), random.Next(0, 120));
            }

            string? status = (i % 4) switch { 0 => "0", 1 => null, 2 => "13", _ => "\u007f%%%" };
            _answer = context =>
            {
                context.Response.Headers["grpc-encoding"] = i % 2 == 0 ? "gzip" : "identity";
                context.Response.Headers["x-bin"] = "%%%";
                return Response([body], status)(context);
            };
            try
            {
                await Client.UnaryCallAsync(new SimpleRequest());
            }
            catch (RpcException e)
            {
                Assert.NotEqual(StatusCode.OK, e.StatusCode);
            }
        }
    }

    [Fact]
    public async Task A_server_that_only_speaks_http_1_is_internal()
    {
        await using var old = await GrpcTestServer.StartAsync(
            app => app.Run(_ => Task.CompletedTask),
            kestrel: k => k.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http1));
        using var channel = GrpcChannel.ForAddress(old.Addresses.Last());
        var client = new TestService.TestServiceClient(channel);
        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await client.EmptyCallAsync(new Empty(), deadline: DateTime.UtcNow.AddSeconds(30)));
        Assert.Equal(StatusCode.Internal, error.StatusCode);
    }

    [Fact]
    public async Task Reserved_metadata_and_bad_encodings_are_refused_at_once()
    {
        Assert.Throws<ArgumentException>(() => Client.EmptyCallAsync(new Empty(), new Metadata { { "grpc-timeout", "1S" } }));
        Assert.Throws<ArgumentException>(
            () => Client.EmptyCallAsync(new Empty(), new Metadata { { "grpc-internal-encoding-request", "snappy" } }));
        Assert.Throws<ArgumentException>(() => GrpcChannel.ForAddress("ftp://x"));
        Assert.Throws<ArgumentException>(() => GrpcChannel.ForAddress("unix:"));
        Assert.Throws<ArgumentException>(() => GrpcChannel.ForAddress("not an address"));
        Assert.Throws<ArgumentException>(
            () => GrpcChannel.ForAddress("http://x", new GrpcChannelOptions { Credentials = ChannelCredentials.SecureSsl }));
        var credentials = CallCredentials.FromInterceptor((_, metadata) =>
        {
            metadata.Add("authorization", "Bearer x");
            return Task.CompletedTask;
        });
        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await Client.EmptyCallAsync(new Empty(), new CallOptions(credentials: credentials)));
        Assert.Equal(StatusCode.Unauthenticated, error.StatusCode);
    }

    [Fact]
    public async Task Credentials_metadata_and_timeout_are_sent()
    {
        HeaderDictionary? seen = null;
        _answer = context =>
        {
            seen = [];
            foreach (var header in context.Request.Headers)
                seen.Add(header);
            return Response([RawUnary.Frame(0, [])], "0")(context);
        };
        using var channel = GrpcChannel.ForAddress(
            _server.Address, new GrpcChannelOptions { UnsafeUseInsecureChannelCallCredentials = true });
        var credentials = CallCredentials.FromInterceptor((context, metadata) =>
        {
            metadata.Add("authorization", "Bearer " + context.MethodName);
            return Task.CompletedTask;
        });
        var options = new CallOptions(
            new Metadata { { "x-text", "v" }, { "x-bin", [0xff, 0xfe, 0xfd, 0xfc] } },
            DateTime.UtcNow.AddSeconds(60),
            credentials: credentials);
        await new TestService.TestServiceClient(channel).EmptyCallAsync(new Empty(), options);
        Assert.Equal("Bearer EmptyCall", seen!["authorization"]);
        Assert.Equal("v", seen["x-text"]);
        Assert.Equal("//79/A", seen["x-bin"]);
        Assert.Equal("trailers", seen["te"]);
        Assert.Equal("application/grpc", seen["content-type"]);
        Assert.Equal("identity,gzip", seen["grpc-accept-encoding"]);
        Assert.Matches("^[0-9]{1,8}[num]$", (string?)seen["grpc-timeout"]);
        Assert.StartsWith("grpc-dotnet-kernelbypass/", (string?)seen["user-agent"], StringComparison.Ordinal);
    }

    private static RequestDelegate Response(byte[][] bodies, string? status) => async context =>
    {
        context.Response.ContentType = "application/grpc";
        foreach (var body in bodies)
            await context.Response.Body.WriteAsync(body);
        if (status is not null)
            context.Response.AppendTrailer("grpc-status", status);
        else
            context.Response.AppendTrailer("x-other", "1");
    };

    private async Task BothFailAsync(StatusCode code)
    {
        var error = await Assert.ThrowsAsync<RpcException>(async () => await Client.UnaryCallAsync(new SimpleRequest()));
        Assert.Equal(code, error.StatusCode);
        using var stream = Client.StreamingOutputCall(new StreamingOutputCallRequest());
        error = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await stream.ResponseStream.MoveNext())
            {
            }
        });
        Assert.Equal(code, error.StatusCode);
        Assert.Equal(code, stream.GetStatus().StatusCode);
    }
}
