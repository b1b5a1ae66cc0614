using System.Buffers.Binary;
using Google.Protobuf;
using KernelBypass.Model.Flows;
using KernelBypass.V1;
using ProtoAction = KernelBypass.V1.Action;

namespace KernelBypass.Cli.Flows;

/// <summary>Turns flows as text understands them into those of the API, and back.</summary>
internal static class ProtoFlow
{
    internal static Flow FromSpec(FlowSpec spec)
    {
        var instructions = new Instructions { ClearActions = spec.ClearActions };
        instructions.ApplyActions.AddRange(spec.ApplyActions.Select(FromAction));
        instructions.WriteActions.AddRange(spec.WriteActions.Select(FromAction));
        if (spec.MetadataMask != 0) instructions.WriteMetadata = new() { Value = spec.MetadataValue, Mask = spec.MetadataMask };
        if (spec.GotoTable is { } table) instructions.GotoTable = table;
        var flow = new Flow
        {
            TableId = spec.TableId,
            Priority = spec.Priority,
            Cookie = spec.Cookie,
            IdleTimeoutS = spec.IdleTimeoutSeconds,
            HardTimeoutS = spec.HardTimeoutSeconds,
            SendFlowRemoved = spec.Flags.HasFlag(FlowFlags.SendFlowRemoved),
            CheckOverlap = spec.Flags.HasFlag(FlowFlags.CheckOverlap),
            ResetCounts = spec.Flags.HasFlag(FlowFlags.ResetCounts),
            Instructions = instructions,
        };
        flow.Match.AddRange(spec.Match.Select(FromMatch));
        return flow;
    }

    internal static FieldMatch FromMatch(MatchItem item) => new()
    {
        Field = (Field)item.Field,
        Value = ByteString.CopyFrom(item.Value),
        Mask = item.Mask is { } mask ? ByteString.CopyFrom(mask) : ByteString.Empty,
    };

    internal static ProtoAction FromAction(FlowAction action)
    {
        var payload = action.Payload;
        return action.Kind switch
        {
            ActionKind.Output => new() { Output = FromOutput(payload) },
            ActionKind.Drop => new() { Drop = new() },
            ActionKind.SetField => new() { SetField = new() { Field = (Field)payload[0], Value = ByteString.CopyFrom(payload.AsSpan(1)) } },
            ActionKind.PushVlan => new() { PushVlan = new() { Tpid = BinaryPrimitives.ReadUInt16LittleEndian(payload) } },
            ActionKind.PopVlan => new() { PopVlan = new() },
            ActionKind.DecTtl => new() { DecTtl = new() },
            _ => throw new FormatException($"action {action.Kind} cannot be sent"),
        };
    }

    internal static FlowSpec ToSpec(Flow flow)
    {
        var instructions = flow.Instructions ?? new Instructions();
        return new FlowSpec
        {
            TableId = (byte)flow.TableId,
            Priority = (ushort)flow.Priority,
            Cookie = flow.Cookie,
            IdleTimeoutSeconds = flow.IdleTimeoutS,
            HardTimeoutSeconds = flow.HardTimeoutS,
            Flags = (flow.SendFlowRemoved ? FlowFlags.SendFlowRemoved : 0)
                | (flow.CheckOverlap ? FlowFlags.CheckOverlap : 0)
                | (flow.ResetCounts ? FlowFlags.ResetCounts : 0),
            Match = flow.Match.Select(ToMatch).ToList(),
            ApplyActions = instructions.ApplyActions.Select(ToAction).ToList(),
            WriteActions = instructions.WriteActions.Select(ToAction).ToList(),
            ClearActions = instructions.ClearActions,
            MetadataValue = instructions.WriteMetadata?.Value ?? 0,
            MetadataMask = instructions.WriteMetadata?.Mask ?? 0,
            GotoTable = instructions.HasGotoTable ? (byte)instructions.GotoTable : null,
        };
    }

    private static ProtoAction.Types.Output FromOutput(byte[] payload)
    {
        var port = BinaryPrimitives.ReadUInt32LittleEndian(payload);
        var length = BinaryPrimitives.ReadUInt16LittleEndian(payload.AsSpan(4));
        return new() { Port = port, MaxLen = port == Model.Flows.ReservedPort.Controller && length != ushort.MaxValue ? length : 0u };
    }

    private static MatchItem ToMatch(FieldMatch match)
    {
        var field = MatchFieldCatalogue.Find((MatchField)match.Field) ?? throw new FormatException($"the switch sent an unknown field {match.Field}");
        return new(field.Id, Widen(match.Value, field.ValueBytes), match.Mask.IsEmpty ? null : Widen(match.Mask, field.ValueBytes));
    }

    private static FlowAction ToAction(ProtoAction action) => action.ActionCase switch
    {
        ProtoAction.ActionOneofCase.Output => FlowAction.Output(
            action.Output.Port, action.Output.MaxLen is 0 or > ushort.MaxValue ? ushort.MaxValue : (ushort)action.Output.MaxLen),
        ProtoAction.ActionOneofCase.SetField => FlowAction.SetField((MatchField)action.SetField.Field, SetValue(action.SetField)),
        ProtoAction.ActionOneofCase.PushVlan => FlowAction.PushVlan((ushort)action.PushVlan.Tpid),
        ProtoAction.ActionOneofCase.PopVlan => FlowAction.PopVlan,
        ProtoAction.ActionOneofCase.DecTtl => FlowAction.DecTtl,
        _ => FlowAction.Drop,
    };

    private static byte[] SetValue(ProtoAction.Types.SetField set)
    {
        var field = MatchFieldCatalogue.Find((MatchField)set.Field) ?? throw new FormatException($"the switch sent an unknown field {set.Field}");
        return Widen(set.Value, field.ValueBytes);
    }

    /// <summary>The API lets leading zero bytes be left out.</summary>
    private static byte[] Widen(ByteString value, int width)
    {
        var bytes = new byte[width];
        value.Span[..Math.Min(value.Length, width)].CopyTo(bytes.AsSpan(Math.Max(0, width - value.Length)));
        return bytes;
    }
}
