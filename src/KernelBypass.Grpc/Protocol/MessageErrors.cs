using Grpc.Core;

namespace Grpc.Protocol;

/// <summary>The errors of message framing, with the status that the specification gives each (doc/statuscodes.md).</summary>
internal static class MessageErrors
{
    public static RpcException ReceivedTooLarge(string size, long limit) => new(new Status(
        StatusCode.ResourceExhausted,
        $"Received message is too large: {size} bytes, the limit (MaxReceiveMessageSize) is {limit}."));

    public static RpcException SentTooLarge(long size, long limit) => new(new Status(
        StatusCode.ResourceExhausted,
        $"Message to send is too large: {size} bytes, the limit (MaxSendMessageSize) is {limit}."));

    public static RpcException Truncated() =>
        new(new Status(StatusCode.Internal, "The stream ended in the middle of a message."));

    public static RpcException BadFlag(byte flag) =>
        new(new Status(StatusCode.Internal, $"The compressed-flag of a message is {flag}: it must be 0 or 1."));

    public static RpcException CompressedWithoutEncoding() => new(new Status(
        StatusCode.Internal, "A message has its compressed-flag set, but grpc-encoding names no compression."));

    public static RpcException NotDecompressed(Exception? cause) =>
        new(new Status(StatusCode.Internal, "The message can't be decompressed: it is not valid gzip.", cause));

    public static RpcException NotParsed(Exception cause) =>
        new(new Status(StatusCode.Internal, $"The message can't be parsed: {cause.Message}", cause));

    public static RpcException NotOneMessage(string what, string found) =>
        new(new Status(StatusCode.Unimplemented, $"The method takes exactly one {what} message, but {found} came."));

    public static string UnsupportedEncoding(string encoding) =>
        $"grpc-encoding '{encoding}' is not supported; supported: {HeaderNames.SupportedEncodings}.";
}
