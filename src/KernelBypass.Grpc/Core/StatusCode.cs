namespace Grpc.Core;

/// <summary>The status codes of gRPC (gRPC doc/statuscodes.md).</summary>
public enum StatusCode
{
    /// <summary>The call succeeded.</summary>
    OK = 0,

    /// <summary>The call was cancelled, as a rule by its caller.</summary>
    Cancelled = 1,

    /// <summary>An error that nothing more precise describes, such as an exception in a handler.</summary>
    Unknown = 2,

    /// <summary>The request itself is wrong, whatever the state of the system.</summary>
    InvalidArgument = 3,

    /// <summary>The deadline passed before the call ended.</summary>
    DeadlineExceeded = 4,

    /// <summary>What the request names does not exist.</summary>
    NotFound = 5,

    /// <summary>What the request would create exists.</summary>
    AlreadyExists = 6,

    /// <summary>The caller may not do this.</summary>
    PermissionDenied = 7,

    /// <summary>A quota, table or size limit is exhausted.</summary>
    ResourceExhausted = 8,

    /// <summary>The system is not in the state that the request requires.</summary>
    FailedPrecondition = 9,

    /// <summary>A conflict with a concurrent change; to be retried from the start.</summary>
    Aborted = 10,

    /// <summary>Past the valid range.</summary>
    OutOfRange = 11,

    /// <summary>The method or option is not implemented.</summary>
    Unimplemented = 12,

    /// <summary>An invariant or the wire protocol was broken.</summary>
    Internal = 13,

    /// <summary>The service can't be reached now; to be retried with back-off.</summary>
    Unavailable = 14,

    /// <summary>Data was lost or corrupted beyond recovery.</summary>
    DataLoss = 15,

    /// <summary>The caller has no valid credentials.</summary>
    Unauthenticated = 16,
}
