using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using Google.Protobuf;

namespace KernelBypass.Grpc.Tests;

/// <summary>Calls by hand over HttpClient, to see what is on the wire.</summary>
internal static class RawUnary
{
    public static byte[] Frame(byte flag, byte[] message)
    {
        var frame = new byte[5 + message.Length];
        frame[0] = flag;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        return frame;
    }

    public static byte[] Gzip(byte[] data)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest))
            gzip.Write(data);
        return output.ToArray();
    }

    public static async Task<HttpResponseMessage> PostAsync(
        Uri address,
        string path,
        byte[] body,
        string? contentType = "application/grpc",
        params (string Name, string Value)[] headers)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        if (contentType is not null)
            request.Content.Headers.TryAddWithoutValidation("content-type", contentType);
        request.Headers.TryAddWithoutValidation("te", "trailers");
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await client.SendAsync(request);
    }

    public static async Task<(byte Flag, T Message)> CallAsync<T>(Uri address, string method, IMessage request)
        where T : IMessage<T>, new() => (await ReadAllAsync<T>(address, method, request)).Single();

    public static async Task<List<(byte Flag, T Message)>> ReadAllAsync<T>(Uri address, string method, IMessage request)
        where T : IMessage<T>, new()
    {
        using var response = await PostAsync(
            address,
            "/grpc.testing.TestService/" + method,
            Frame(0, request.ToByteArray()),
            "application/grpc",
            ("grpc-accept-encoding", "identity,gzip"));
        var body = await response.Content.ReadAsByteArrayAsync();
        Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
        var messages = new List<(byte, T)>();
        for (int at = 0; at < body.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(at + 1));
            var payload = body[(at + 5)..(at + 5 + length)];
            if (body[at] == 1)
            {
                using var gzip = new GZipStream(new MemoryStream(payload), CompressionMode.Decompress);
                using var plain = new MemoryStream();
                gzip.CopyTo(plain);
                payload = plain.ToArray();
            }

            var message = new T();
            message.MergeFrom(payload);
            messages.Add((body[at], message));
            at += 5 + length;
        }

        return messages;
    }

    /// <summary>The status of a response, in the headers or in the trailers.</summary>
    public static async Task<(string? Code, string Message)> StatusAsync(HttpResponseMessage response)
    {
        await response.Content.ReadAsByteArrayAsync();
        return (Value("grpc-status"), Value("grpc-message") ?? "");

        string? Value(string name) =>
            response.Headers.TryGetValues(name, out var values) || response.TrailingHeaders.TryGetValues(name, out values)
                ? values.Single()
                : null;
    }
}
