namespace KernelBypass.Channel.Messages;

/// <summary>Kinds of refusal; they have the names of gRPC's status codes.</summary>
public enum CommandErrorCode
{
    InvalidArgument = 3,
    NotFound = 5,
    AlreadyExists = 6,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
}

/// <summary>Why a command failed.</summary>
/// <param name="Code">Kind.</param>
/// <param name="Message">One sentence: the thing, the place, the remedy.</param>
public sealed record CommandError(CommandErrorCode Code, string Message);

/// <summary>Thrown by a command's handler in the data plane, carried over, and thrown to its caller in the control
/// plane.</summary>
public sealed class CommandException(CommandErrorCode code, string message) : Exception(message)
{
    /// <summary>Kind of refusal.</summary>
    public CommandErrorCode Code { get; } = code;
}
