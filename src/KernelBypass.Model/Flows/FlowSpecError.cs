namespace KernelBypass.Model.Flows;

/// <summary>What is wrong with a flow. The data plane answers with the code and the place; the control plane words it.</summary>
public enum FlowErrorCode : ushort
{
    None = 0,
    Truncated,
    BadVersion,
    BadTable,
    BadField,
    DuplicateField,
    BadValue,
    BadMask,
    MaskNotAllowed,
    ValueOutsideMask,
    MissingPrerequisite,
    BadAction,
    BadActionLength,
    BadOutputPort,
    FieldNotSettable,
    SetFieldPrerequisite,
    BadTpid,
    VlanPrerequisite,
    GotoNotForward,
    TooManyActions,
    DuplicateActionInSet,
    ActionAfterDrop,
    MetadataOnLastTable,
    UnknownPort,
    Overlap,
    TableFull,
    FlowTableFull,
    MaskTableFull,
    NotFound,
    StaleHandle,
    BatchTooLarge,
    TooManyVlanTags,
}

/// <summary>A flow error with its place.</summary>
/// <param name="Code">What is wrong.</param>
/// <param name="Field">The field concerned, or None.</param>
/// <param name="ActionIndex">Index of the action concerned, counted through apply- then write-actions; -1 none.</param>
public readonly record struct FlowSpecError(FlowErrorCode Code, MatchField Field = MatchField.None, short ActionIndex = -1)
{
    /// <summary>No error.</summary>
    public static FlowSpecError Ok => default;

    /// <summary>Whether there is none.</summary>
    public bool IsOk => Code == FlowErrorCode.None;

    /// <summary>One sentence for people: the thing, the place and the remedy.</summary>
    public string Describe()
    {
        var field = MatchFieldCatalogue.Find(Field)?.Name ?? "match";
        var place = ActionIndex >= 0 ? $"action {ActionIndex}" : $"match field '{field}'";
        return FlowErrorText.For(Code, field, place);
    }
}
