using System.Text.Json.Serialization;

namespace KernelBypass.Channel.Messages;

/// <summary>
/// Source-generated JSON of the cold messages. Nothing that its type does not allow to be null is ever null: a null or an absent
/// parameter is a <see cref="System.Text.Json.JsonException"/>, an absent property has its default.
/// </summary>
/// <remarks>
/// A property with a default must be "set" and not "init": the source generator gives an absent init property the default of its
/// type, which for a string is null, instead of the one that is written there.
/// </remarks>
[JsonSourceGenerationOptions(
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(CommandError))]
[JsonSerializable(typeof(Done))]
[JsonSerializable(typeof(Nothing))]
[JsonSerializable(typeof(HelloRequest))]
[JsonSerializable(typeof(HelloAnswer))]
[JsonSerializable(typeof(StatusAnswer))]
[JsonSerializable(typeof(ShutdownRequest))]
[JsonSerializable(typeof(TableList))]
[JsonSerializable(typeof(PortSettings))]
[JsonSerializable(typeof(PortDescription))]
[JsonSerializable(typeof(PortReference))]
[JsonSerializable(typeof(PortChange))]
[JsonSerializable(typeof(PortList))]
[JsonSerializable(typeof(PortXStatsAnswer))]
[JsonSerializable(typeof(PortEvent))]
[JsonSerializable(typeof(PlacementRequest))]
[JsonSerializable(typeof(StageList))]
[JsonSerializable(typeof(StageKindList))]
[JsonSerializable(typeof(LcoreList))]
[JsonSerializable(typeof(DropReasonList))]
[JsonSerializable(typeof(MacList))]
[JsonSerializable(typeof(MacFlushed))]
[JsonSerializable(typeof(ExplainRequest))]
[JsonSerializable(typeof(ExplainAnswer))]
[JsonSerializable(typeof(TraceRequest))]
[JsonSerializable(typeof(TraceStarted))]
[JsonSerializable(typeof(StopRequest))]
[JsonSerializable(typeof(CaptureRequest))]
[JsonSerializable(typeof(CaptureStarted))]
public sealed partial class ChannelJson : JsonSerializerContext;
