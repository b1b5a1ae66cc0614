using System.Runtime.InteropServices;
using Google.Protobuf;
using Google.Protobuf.Collections;
using KernelBypass.Daemon.Flows;
using KernelBypass.Model.Flows;
using KernelBypass.V1;
using V1Action = KernelBypass.V1.Action;

namespace KernelBypass.Daemon.Services.Flows;

/// <summary>Between the codec and the API's messages.</summary>
internal static class FlowMessages
{
    /// <summary>An encoded flow as a message.</summary>
    internal static Flow ToFlow(ReadOnlySpan<byte> spec)
    {
        var head = MemoryMarshal.Read<FlowSpecHeader>(spec);
        var flow = new Flow
        {
            TableId = head.TableId,
            Priority = head.Priority,
            Cookie = head.Cookie,
            IdleTimeoutS = head.IdleTimeoutSeconds,
            HardTimeoutS = head.HardTimeoutSeconds,
            SendFlowRemoved = (head.Flags & FlowFlags.SendFlowRemoved) != 0,
            CheckOverlap = (head.Flags & FlowFlags.CheckOverlap) != 0,
            ResetCounts = (head.Flags & FlowFlags.ResetCounts) != 0,
            Instructions = new() { ClearActions = head.ClearActions != 0 },
        };
        var items = FlowSpecDecoder.Match(spec, head);
        while (!items.IsEmpty)
        {
            var width = MatchFieldCatalogue.Find((MatchField)items[0])!.ValueBytes;
            var match = new FieldMatch { Field = (Field)items[0], Value = ByteString.CopyFrom(items.Slice(2, width)) };
            if (items[1] == 1) match.Mask = ByteString.CopyFrom(items.Slice(2 + width, width));
            flow.Match.Add(match);
            items = items[(2 + width * (1 + items[1]))..];
        }

        AddActions(flow.Instructions.ApplyActions, FlowSpecDecoder.Apply(spec, head));
        AddActions(flow.Instructions.WriteActions, FlowSpecDecoder.Write(spec, head));
        if (head.MetadataMask != 0) flow.Instructions.WriteMetadata = new() { Value = head.MetadataValue, Mask = head.MetadataMask };
        if (head.GotoTable != FlowSpecHeader.NoGoto) flow.Instructions.GotoTable = head.GotoTable;
        return flow;
    }

    /// <summary>A filter's criteria.</summary>
    /// <exception cref="FlowException">The match cannot be.</exception>
    internal static KernelBypass.Daemon.Flows.FlowFilter ToFilter(V1.FlowFilter? message)
    {
        if (message is null) return new();
        if (message.HasTableId && message.TableId > byte.MaxValue) throw Invalid($"filter.table_id {message.TableId} is above 255");
        if (message.HasPriority && message.Priority > ushort.MaxValue) throw Invalid($"filter.priority {message.Priority} is above 65535");
        var filter = new KernelBypass.Daemon.Flows.FlowFilter
        {
            TableId = message.HasTableId ? (byte)message.TableId : null,
            Priority = message.HasPriority ? (ushort)message.Priority : null,
            Cookie = message.Cookie,
            CookieMask = message.CookieMask,
            OutPort = message.HasOutPort ? message.OutPort : null,
        };
        var error = filter.SetMatch(ToMatch(message.Match, "filter"));
        return error.IsOk ? filter : throw Invalid($"filter: {error.Describe()}");
    }

    /// <summary>Match items in the codec, checked.</summary>
    /// <exception cref="FlowException">The match cannot be.</exception>
    internal static byte[] ToMatch(RepeatedField<FieldMatch> match, string what)
    {
        var writer = new FlowSpecWriter();
        writer.Clear();
        foreach (var item in match) writer.AddMatch((uint)item.Field, item.Value.Span, item.Mask.Span);
        if (writer.Fault is { } fault) throw Invalid($"{what}: {fault}");
        var items = writer.MatchToArray();
        FlowKey key = default, mask = default;
        var error = FlowSpecDecoder.DecodeMatch(items, ref key, ref mask);
        return error.IsOk ? items : throw Invalid($"{what}: {error.Describe()}");
    }

    /// <summary>Actions of a packet-out in the codec, checked as far as that can be done without a match.</summary>
    /// <exception cref="FlowException">An action cannot be.</exception>
    internal static byte[] ToActions(RepeatedField<V1Action> actions, int limit)
    {
        if (actions.Count == 0) throw Invalid("actions: none are given: output to a port, or to PORT_TABLE (0xfffffff9)");
        if (actions.Count > limit) throw Invalid($"actions: {actions.Count} are more than limits.actions_per_flow ({limit})");
        var writer = new FlowSpecWriter();
        writer.Clear();
        for (var i = 0; i < actions.Count; i++) AddAction(writer, actions[i], i);
        return writer.Fault is { } fault ? throw Invalid(fault) : writer.ApplyActions.ToArray();
    }

    private static void AddAction(FlowSpecWriter writer, V1Action action, int index)
    {
        switch (action.ActionCase)
        {
            case V1Action.ActionOneofCase.Output:
                var port = action.Output.Port;
                if (port != Model.Flows.ReservedPort.Table && !Model.Flows.ReservedPort.IsOutput(port))
                    throw Invalid($"action {index}: output port {port} is neither a port number nor in_port, table, normal, flood, all or controller");
                writer.AddOutput(false, port, action.Output.MaxLen);
                break;
            case V1Action.ActionOneofCase.SetField:
                if (MatchFieldCatalogue.Find((MatchField)(byte)action.SetField.Field) is { Settable: false } field)
                    throw Invalid($"action {index}: field '{field.Name}' cannot be set");
                writer.AddSetField(false, (uint)action.SetField.Field, action.SetField.Value.Span);
                break;
            case V1Action.ActionOneofCase.PushVlan:
                if (action.PushVlan.Tpid is not (0x8100 or 0x88A8)) throw Invalid($"action {index}: push_vlan takes TPID 0x8100 or 0x88a8");
                writer.AddPushVlan(false, action.PushVlan.Tpid);
                break;
            case V1Action.ActionOneofCase.Drop:
                writer.AddPlain(false, ActionKind.Drop);
                break;
            case V1Action.ActionOneofCase.PopVlan:
                writer.AddPlain(false, ActionKind.PopVlan);
                break;
            case V1Action.ActionOneofCase.DecTtl:
                writer.AddPlain(false, ActionKind.DecTtl);
                break;
            default:
                throw Invalid($"action {index}: no such action");
        }
    }

    private static void AddActions(RepeatedField<V1Action> actions, ReadOnlySpan<byte> section)
    {
        var reader = new ActionReader(section);
        while (reader.MoveNext())
        {
            actions.Add(reader.Kind switch
            {
                ActionKind.Output => new() { Output = new() { Port = reader.Port, MaxLen = reader.MaxLength == ushort.MaxValue ? 0u : reader.MaxLength } },
                ActionKind.SetField => new() { SetField = new() { Field = (Field)reader.Field, Value = ByteString.CopyFrom(reader.Value) } },
                ActionKind.PushVlan => new() { PushVlan = new() { Tpid = reader.Tpid } },
                ActionKind.PopVlan => new() { PopVlan = new() },
                ActionKind.DecTtl => new() { DecTtl = new() },
                _ => new V1Action { Drop = new() },
            });
        }
    }

    private static FlowException Invalid(string message) => new(Grpc.Core.StatusCode.InvalidArgument, message);
}
