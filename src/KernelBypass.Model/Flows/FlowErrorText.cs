namespace KernelBypass.Model.Flows;

/// <summary>The wording of <see cref="FlowErrorCode"/>.</summary>
internal static class FlowErrorText
{
    /// <summary>The sentence for a code.</summary>
    internal static string For(FlowErrorCode code, string field, string place) => code switch
    {
        FlowErrorCode.None => "no error",
        FlowErrorCode.Truncated => "the flow's encoding ends too early",
        FlowErrorCode.BadVersion => "the flow's encoding has an unknown version: both processes must be of one release",
        FlowErrorCode.BadTable => "table_id is beyond limits.tables",
        FlowErrorCode.BadField => $"{place}: no such field",
        FlowErrorCode.DuplicateField => $"{place} is given twice: give it once, with a mask if need be",
        FlowErrorCode.BadValue => $"{place}: the value does not fit the field's width",
        FlowErrorCode.BadMask => $"{place}: the mask does not fit the field's width or is zero: leave the field out to match anything",
        FlowErrorCode.MaskNotAllowed => $"{place} cannot be masked: match it exactly or leave it out",
        FlowErrorCode.ValueOutsideMask => $"{place}: the value has bits outside the mask: clear them",
        FlowErrorCode.MissingPrerequisite => $"{place} needs its prerequisites in the same match: {FlowPrerequisiteText.For(field)}",
        FlowErrorCode.BadAction => $"{place}: no such action",
        FlowErrorCode.BadActionLength => $"{place}: the action's payload has the wrong length",
        FlowErrorCode.BadOutputPort => $"{place}: output port must be a port number or one of in_port, normal, flood, all, controller",
        FlowErrorCode.FieldNotSettable => $"{place}: field '{field}' cannot be set",
        FlowErrorCode.SetFieldPrerequisite => $"{place}: set_field '{field}' needs the match to fix {FlowPrerequisiteText.For(field)}",
        FlowErrorCode.BadTpid => $"{place}: push_vlan takes TPID 0x8100 or 0x88a8",
        FlowErrorCode.VlanPrerequisite => $"{place} needs a tagged packet: match vlan_vid 0x1000/0x1000 or push_vlan first",
        FlowErrorCode.GotoNotForward => "goto_table must name a later table within limits.tables",
        FlowErrorCode.TooManyActions => "more actions than limits.actions_per_flow",
        FlowErrorCode.DuplicateActionInSet => $"{place}: an action set holds one action of each kind, and one set_field for each field",
        FlowErrorCode.ActionAfterDrop => $"{place}: nothing can follow drop",
        FlowErrorCode.MetadataOnLastTable => "write_metadata needs goto_table: nothing would read it",
        FlowErrorCode.UnknownPort => $"{place}: no such port: attach it first",
        FlowErrorCode.Overlap => "a flow of the same table and priority overlaps this one and check_overlap is set",
        FlowErrorCode.TableFull => "the table holds limits.flows_per_table flows",
        FlowErrorCode.FlowTableFull => "the switch holds limits.flows flows",
        FlowErrorCode.MaskTableFull => "the table holds limits.masks distinct masks",
        FlowErrorCode.NotFound => "no such flow",
        FlowErrorCode.StaleHandle => "the flow has been removed meanwhile",
        FlowErrorCode.BatchTooLarge => "the batch is beyond limits.batch_flows",
        FlowErrorCode.TooManyVlanTags => $"{place}: more than two VLAN tags cannot be pushed by one flow",
        _ => $"error {(int)code}",
    };
}

/// <summary>The wording of prerequisites.</summary>
internal static class FlowPrerequisiteText
{
    /// <summary>For example "eth_type=0x0800 and ip_proto=6, or eth_type=0x86dd and ip_proto=6".</summary>
    internal static string For(string fieldName)
    {
        var field = MatchFieldCatalogue.Find(fieldName);
        if (field is null) return "none";
        if (field.Id is MatchField.VlanPcp) return "vlan_vid with the present bit 0x1000";
        if (field.Id is MatchField.InnerVlanPcp) return "inner_vlan_vid with the present bit 0x1000";
        return string.Join(", or ", field.Prerequisites.Select(Describe));
    }

    private static string Describe(Prerequisite prerequisite)
    {
        var text = $"eth_type=0x{prerequisite.EthType:x4}";
        if (prerequisite.IpProto >= 0) text += $" and ip_proto={prerequisite.IpProto}";
        if (prerequisite.IcmpTypes is { } types) text += $" and icmpv6_type={string.Join(" or ", types)}";
        return text;
    }
}
