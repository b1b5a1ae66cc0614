using Key = KernelBypass.Model.Flows.FlowKeyLayout;

namespace KernelBypass.Model.Flows;

/// <summary>Checks the actions of a flow against its match (OpenFlow 1.3.5, 5.9 to 5.12). Allocates nothing.</summary>
internal static class ActionValidator
{
    private const int MaxTags = 2;

    /// <summary>What the packet is known to be at one point of the action list.</summary>
    private ref struct State
    {
        internal int PushedTags;

        /// <summary>Tags of the packet itself that the match requires and that no action has removed yet.</summary>
        internal int OwnTags;
        internal bool Dropped;
        internal short Index;
        internal int Limit;

        internal readonly bool Tagged => PushedTags + OwnTags > 0;
    }

    /// <summary>Which actions of a section one pass checks.</summary>
    private enum Step
    {
        All,
        Pop,
        Push,
        Rest,
    }

    internal static FlowSpecError Check(
        ReadOnlySpan<byte> apply, ReadOnlySpan<byte> write, in FlowKey key, in FlowKey mask, in FlowLimits limits)
    {
        var outer = FlowSpecDecoder.HasTag(key, mask, Key.VlanTci);
        var inner = outer && FlowSpecDecoder.HasTag(key, mask, Key.InnerVlanTci);
        var state = new State { OwnTags = (outer ? 1 : 0) + (inner ? 1 : 0), Limit = limits.ActionsPerFlow };
        var error = CheckSection(apply, Step.All, key, mask, ref state);
        if (!error.IsOk) return error;
        state.Dropped = false;
        error = CheckSet(write, state.Index);
        if (!error.IsOk) return error;

        // An action set is executed in an order of its own (OpenFlow 1.3.5, 5.10), and a later step may rely on an earlier one.
        var first = state.Index;
        for (var step = Step.Pop; step <= Step.Rest && error.IsOk; step++)
        {
            state.Index = first;
            error = CheckSection(write, step, key, mask, ref state);
        }

        return error;
    }

    private static FlowSpecError CheckSection(
        ReadOnlySpan<byte> section, Step step, in FlowKey key, in FlowKey mask, ref State state)
    {
        var reader = new ActionReader(section);
        while (reader.MoveNext())
        {
            if (state.Index >= state.Limit) return new(FlowErrorCode.TooManyActions);
            var isOf = reader.Kind switch { ActionKind.PopVlan => Step.Pop, ActionKind.PushVlan => Step.Push, _ => Step.Rest };
            if (step == Step.All || step == isOf)
            {
                if (state.Dropped) return new(FlowErrorCode.ActionAfterDrop, ActionIndex: state.Index);
                var error = CheckOne(ref reader, key, mask, ref state);
                if (!error.IsOk) return error;
            }

            state.Index++;
        }

        return reader.Truncated ? new(FlowErrorCode.Truncated, ActionIndex: state.Index) : FlowSpecError.Ok;
    }

    private static FlowSpecError CheckOne(ref ActionReader reader, in FlowKey key, in FlowKey mask, ref State state)
    {
        var length = reader.Payload.Length;
        var index = state.Index;
        switch (reader.Kind)
        {
            case ActionKind.Output:
                if (length != 6) return new(FlowErrorCode.BadActionLength, ActionIndex: index);
                return ReservedPort.IsOutput(reader.Port) ? FlowSpecError.Ok
                    : new(FlowErrorCode.BadOutputPort, ActionIndex: index);
            case ActionKind.Drop:
                state.Dropped = true;
                return length == 0 ? FlowSpecError.Ok : new(FlowErrorCode.BadActionLength, ActionIndex: index);
            case ActionKind.SetField:
                return CheckSetField(ref reader, key, mask, ref state);
            case ActionKind.PushVlan:
                if (length != 2) return new(FlowErrorCode.BadActionLength, ActionIndex: index);
                if (reader.Tpid is not (0x8100 or 0x88A8)) return new(FlowErrorCode.BadTpid, ActionIndex: index);
                return ++state.PushedTags <= MaxTags ? FlowSpecError.Ok : new(FlowErrorCode.TooManyVlanTags, ActionIndex: index);
            case ActionKind.PopVlan:
                if (length != 0) return new(FlowErrorCode.BadActionLength, ActionIndex: index);
                if (!state.Tagged) return new(FlowErrorCode.VlanPrerequisite, ActionIndex: index);
                if (state.PushedTags > 0) state.PushedTags--;
                else state.OwnTags--;
                return FlowSpecError.Ok;
            case ActionKind.DecTtl:
                if (length != 0) return new(FlowErrorCode.BadActionLength, ActionIndex: index);
                var ttl = MatchFieldCatalogue.Find(MatchField.IpTtl)!;
                return FlowSpecDecoder.HoldsPrerequisite(ttl, key, mask)
                    ? FlowSpecError.Ok : new(FlowErrorCode.SetFieldPrerequisite, ttl.Id, index);
            default:
                return new(FlowErrorCode.BadAction, ActionIndex: index);
        }
    }

    private static FlowSpecError CheckSetField(ref ActionReader reader, in FlowKey key, in FlowKey mask, ref State state)
    {
        if (reader.Payload.IsEmpty) return new(FlowErrorCode.BadActionLength, ActionIndex: state.Index);
        var field = MatchFieldCatalogue.Find(reader.Field);
        if (field is null) return new(FlowErrorCode.BadField, reader.Field, state.Index);
        if (!field.Settable) return new(FlowErrorCode.FieldNotSettable, field.Id, state.Index);
        if (reader.Value.Length != field.ValueBytes) return new(FlowErrorCode.BadActionLength, field.Id, state.Index);
        if (!FieldBits.Fits(field, reader.Value)) return new(FlowErrorCode.BadValue, field.Id, state.Index);
        if (field.Id is MatchField.VlanVid or MatchField.VlanPcp)
        {
            if (!state.Tagged) return new(FlowErrorCode.VlanPrerequisite, field.Id, state.Index);
            var present = field.Id == MatchField.VlanPcp || (reader.Value[0] & (Key.VlanPresent >> 8)) != 0;
            return present ? FlowSpecError.Ok : new(FlowErrorCode.BadValue, field.Id, state.Index);
        }

        return FlowSpecDecoder.HoldsPrerequisite(field, key, mask)
            ? FlowSpecError.Ok : new(FlowErrorCode.SetFieldPrerequisite, field.Id, state.Index);
    }

    /// <summary>An action set holds at most one action of each kind, one set_field a field (OpenFlow 1.3.5, 5.10).</summary>
    private static FlowSpecError CheckSet(ReadOnlySpan<byte> write, short index)
    {
        uint kinds = 0;
        UInt128 fields = 0;
        var reader = new ActionReader(write);
        for (; reader.MoveNext(); index++)
        {
            if (reader.Kind == ActionKind.SetField && !reader.Payload.IsEmpty)
            {
                if (MatchFieldCatalogue.Find(reader.Field) is null) continue;
                var bit = UInt128.One << (int)reader.Field;
                if ((fields & bit) != 0) return new(FlowErrorCode.DuplicateActionInSet, reader.Field, index);
                fields |= bit;
                continue;
            }

            if (reader.Kind > ActionKind.DecTtl) continue;
            var kind = 1u << (int)reader.Kind;
            if ((kinds & kind) != 0) return new(FlowErrorCode.DuplicateActionInSet, ActionIndex: index);
            kinds |= kind;
        }

        return FlowSpecError.Ok;
    }
}
