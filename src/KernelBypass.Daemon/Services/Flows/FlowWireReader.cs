using KernelBypass.Daemon.Flows;
using KernelBypass.Model.Flows;
using KernelBypass.V1;
using V1Action = KernelBypass.V1.Action;

namespace KernelBypass.Daemon.Services.Flows;

/// <summary>
/// Turns a serialised kernelbypass.v1.Flow into the codec's bytes in one pass, without the objects in between: loading flows spends
/// most of its time here. Repeated scalar and message fields merge as protobuf prescribes.
/// </summary>
internal static class FlowWireReader
{
    /// <summary>Reads a flow; what cannot be encoded is in the writer's Fault.</summary>
    /// <exception cref="InvalidDataException">No protobuf message.</exception>
    internal static void Read(ReadOnlySpan<byte> bytes, FlowSpecWriter flow)
    {
        var reader = new ProtoReader(bytes);
        while (reader.MoveNext())
        {
            switch (reader.Field)
            {
                case Flow.TableIdFieldNumber:
                    if (reader.UInt32 > byte.MaxValue) flow.Fail(new FlowSpecError(FlowErrorCode.BadTable).Describe());
                    flow.Head.TableId = (byte)reader.UInt32;
                    break;
                case Flow.PriorityFieldNumber:
                    if (reader.UInt32 > ushort.MaxValue) flow.Fail($"priority {reader.UInt32} is above 65535");
                    flow.Head.Priority = (ushort)reader.UInt32;
                    break;
                case Flow.MatchFieldNumber:
                    ReadMatch(reader.Bytes, flow);
                    break;
                case Flow.InstructionsFieldNumber:
                    ReadInstructions(reader.Bytes, flow);
                    break;
                case Flow.CookieFieldNumber:
                    flow.Head.Cookie = reader.Number;
                    break;
                case Flow.IdleTimeoutSFieldNumber:
                    flow.Head.IdleTimeoutSeconds = reader.UInt32;
                    break;
                case Flow.HardTimeoutSFieldNumber:
                    flow.Head.HardTimeoutSeconds = reader.UInt32;
                    break;
                case Flow.SendFlowRemovedFieldNumber:
                    SetFlag(flow, FlowFlags.SendFlowRemoved, reader.Number);
                    break;
                case Flow.CheckOverlapFieldNumber:
                    SetFlag(flow, FlowFlags.CheckOverlap, reader.Number);
                    break;
                case Flow.ResetCountsFieldNumber:
                    SetFlag(flow, FlowFlags.ResetCounts, reader.Number);
                    break;
            }
        }
    }

    private static void SetFlag(FlowSpecWriter flow, FlowFlags flag, ulong value) =>
        flow.Head.Flags = value != 0 ? flow.Head.Flags | flag : flow.Head.Flags & ~flag;

    private static void ReadMatch(ReadOnlySpan<byte> bytes, FlowSpecWriter flow)
    {
        uint field = 0;
        ReadOnlySpan<byte> value = default, mask = default;
        var reader = new ProtoReader(bytes);
        while (reader.MoveNext())
        {
            switch (reader.Field)
            {
                case FieldMatch.FieldFieldNumber:
                    field = reader.UInt32;
                    break;
                case FieldMatch.ValueFieldNumber:
                    value = reader.Bytes;
                    break;
                case FieldMatch.MaskFieldNumber:
                    mask = reader.Bytes;
                    break;
            }
        }

        flow.AddMatch(field, value, mask);
    }

    private static void ReadInstructions(ReadOnlySpan<byte> bytes, FlowSpecWriter flow)
    {
        var reader = new ProtoReader(bytes);
        while (reader.MoveNext())
        {
            switch (reader.Field)
            {
                case Instructions.ApplyActionsFieldNumber:
                    ReadAction(reader.Bytes, flow, write: false);
                    break;
                case Instructions.ClearActionsFieldNumber:
                    flow.Head.ClearActions = reader.Number != 0 ? (byte)1 : (byte)0;
                    break;
                case Instructions.WriteActionsFieldNumber:
                    ReadAction(reader.Bytes, flow, write: true);
                    break;
                case Instructions.WriteMetadataFieldNumber:
                    ReadWriteMetadata(reader.Bytes, flow);
                    break;
                case Instructions.GotoTableFieldNumber:
                    if (reader.UInt32 >= FlowSpecHeader.NoGoto) flow.Fail(new FlowSpecError(FlowErrorCode.GotoNotForward).Describe());
                    flow.Head.GotoTable = (byte)reader.UInt32;
                    break;
            }
        }
    }

    private static void ReadWriteMetadata(ReadOnlySpan<byte> bytes, FlowSpecWriter flow)
    {
        flow.Head.MetadataMask = 0;
        var reader = new ProtoReader(bytes);
        while (reader.MoveNext())
        {
            if (reader.Field == Instructions.Types.WriteMetadata.ValueFieldNumber) flow.Head.MetadataValue = reader.Number;
            if (reader.Field == Instructions.Types.WriteMetadata.MaskFieldNumber) flow.Head.MetadataMask = reader.Number;
        }

        if (flow.Head.MetadataMask == 0) flow.Fail("write_metadata: the mask is zero, so nothing would be written: set the bits to write");
    }

    private static void ReadAction(ReadOnlySpan<byte> bytes, FlowSpecWriter flow, bool write)
    {
        var reader = new ProtoReader(bytes);
        var known = false;
        while (reader.MoveNext())
        {
            if (reader.Field is < V1Action.OutputFieldNumber or > V1Action.DecTtlFieldNumber) continue;
            if (known) flow.Fail("an action holds two actions: it is a choice of one");
            known = true;
            ReadPayload(reader.Field, reader.Bytes, flow, write);
        }

        if (!known) flow.AddPlain(write, ActionKind.None);
    }

    private static void ReadPayload(int action, ReadOnlySpan<byte> bytes, FlowSpecWriter flow, bool write)
    {
        // The payloads have at most a number in field 1, and a number or bytes in field 2.
        uint first = 0, second = 0;
        ReadOnlySpan<byte> value = default;
        var reader = new ProtoReader(bytes);
        while (reader.MoveNext())
        {
            if (reader.Field == 1) first = reader.UInt32;
            if (reader.Field != 2) continue;
            second = reader.UInt32;
            value = reader.Bytes;
        }

        switch (action)
        {
            case V1Action.OutputFieldNumber:
                flow.AddOutput(write, first, second);
                break;
            case V1Action.DropFieldNumber:
                flow.AddPlain(write, ActionKind.Drop);
                break;
            case V1Action.SetFieldFieldNumber:
                flow.AddSetField(write, first, value);
                break;
            case V1Action.PushVlanFieldNumber:
                flow.AddPushVlan(write, first);
                break;
            case V1Action.PopVlanFieldNumber:
                flow.AddPlain(write, ActionKind.PopVlan);
                break;
            case V1Action.DecTtlFieldNumber:
                flow.AddPlain(write, ActionKind.DecTtl);
                break;
        }
    }
}
