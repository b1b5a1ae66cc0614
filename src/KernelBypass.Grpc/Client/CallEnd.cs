using Grpc.Core;

namespace Grpc.Net.Client;

/// <summary>How a call ended.</summary>
/// <param name="Status">The status.</param>
/// <param name="Trailers">The server's trailers, without gRPC's own.</param>
/// <param name="IsLocal">Whether this side ended it.</param>
internal sealed record CallEnd(Status Status, Metadata Trailers, bool IsLocal = false);
