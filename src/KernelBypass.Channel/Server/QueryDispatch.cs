using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using KernelBypass.Channel.Messages;

namespace KernelBypass.Channel.Server;

/// <summary>Decodes a cold command, calls its handler and encodes the answer or the refusal.</summary>
internal static class QueryDispatch
{
    private static ChannelJson Json => ChannelJson.Default;

    /// <summary>Runs one command.</summary>
    /// <returns>The answer's type and bytes.</returns>
    internal static (MessageType Type, byte[] Answer) Run(IQueryHandler handler, MessageType type, ReadOnlySpan<byte> payload)
    {
        try
        {
            return (MessageType.Answer, Answer(handler, type, payload));
        }
        catch (CommandException refusal)
        {
            return Refuse(refusal.Code, refusal.Message);
        }
        catch (JsonException malformed)
        {
            return Refuse(CommandErrorCode.InvalidArgument, $"{type}: the request is malformed: {malformed.Message}");
        }
    }

    private static byte[] Answer(IQueryHandler handler, MessageType type, ReadOnlySpan<byte> payload) => type switch
    {
        MessageType.Hello => Encode(handler.Hello(Decode(payload, Json.HelloRequest)), Json.HelloAnswer),
        MessageType.Status => Encode(handler.Status(), Json.StatusAnswer),
        MessageType.TableStatus => Encode(handler.Tables(), Json.TableList),
        MessageType.SetPlacement => Encode(handler.SetPlacement(Decode(payload, Json.PlacementRequest)), Json.StageList),
        MessageType.StageDump => Encode(handler.Stages(), Json.StageList),
        MessageType.StageKinds => Encode(handler.StageKinds(), Json.StageKindList),
        MessageType.LcoreDump => Encode(handler.Lcores(), Json.LcoreList),
        MessageType.DropReasons => Encode(handler.DropReasons(), Json.DropReasonList),
        MessageType.MacDump => Encode(handler.Macs(), Json.MacList),
        MessageType.MacFlush => Encode(handler.FlushMacs(), Json.MacFlushed),
        MessageType.Drain => Do(handler.Drain),
        MessageType.Shutdown => Do(handler.Shutdown, Decode(payload, Json.ShutdownRequest).DrainMs),
        >= MessageType.PortAttach and <= MessageType.PortXStats => AnswerPort(handler, type, payload),
        >= MessageType.Explain and <= MessageType.CaptureStop => AnswerTrace(handler, type, payload),
        _ => throw new CommandException(
            CommandErrorCode.Unimplemented,
                $"command 0x{(int)type:x4} is unknown to this data plane: both processes must be of one release"),
    };

    private static byte[] AnswerPort(IQueryHandler handler, MessageType type, ReadOnlySpan<byte> payload) => type switch
    {
        MessageType.PortAttach => Encode(handler.AttachPort(Decode(payload, Json.PortSettings)), Json.PortDescription),
        MessageType.PortDetach => Do(handler.DetachPort, Decode(payload, Json.PortReference).Port),
        MessageType.PortSet => Encode(handler.SetPort(Decode(payload, Json.PortChange)), Json.PortDescription),
        MessageType.PortDump => Encode(handler.Ports(), Json.PortList),
        _ => Encode(handler.PortXStats(Decode(payload, Json.PortReference).Port), Json.PortXStatsAnswer),
    };

    private static byte[] AnswerTrace(IQueryHandler handler, MessageType type, ReadOnlySpan<byte> payload) => type switch
    {
        MessageType.Explain => Encode(handler.Explain(Decode(payload, Json.ExplainRequest)), Json.ExplainAnswer),
        MessageType.TraceStart => Encode(handler.StartTrace(Decode(payload, Json.TraceRequest)), Json.TraceStarted),
        MessageType.TraceStop => Do(handler.StopTrace, Decode(payload, Json.StopRequest).Id),
        MessageType.CaptureStart => Encode(handler.StartCapture(Decode(payload, Json.CaptureRequest)), Json.CaptureStarted),
        _ => Do(handler.StopCapture, Decode(payload, Json.StopRequest).Id),
    };

    private static (MessageType, byte[]) Refuse(CommandErrorCode code, string message) =>
        (MessageType.Refusal, Encode(new CommandError(code, message), Json.CommandError));

    private static T Decode<T>(ReadOnlySpan<byte> payload, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(payload, type) ?? throw new JsonException("null");

    private static byte[] Encode<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);

    private static byte[] Do(Action action)
    {
        action();
        return Encode(new Done(), Json.Done);
    }

    private static byte[] Do<T>(Action<T> action, T argument)
    {
        action(argument);
        return Encode(new Done(), Json.Done);
    }
}
