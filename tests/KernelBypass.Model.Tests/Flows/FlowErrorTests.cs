using KernelBypass.Model.Flows;

namespace KernelBypass.Model.Tests.Flows;

/// <summary>Each thing that can be wrong with a flow by itself has its code, and its place.</summary>
public class FlowErrorTests
{
    private static readonly MatchItem s_ipv4 = new(MatchField.EthType, [0x08, 0x00]);
    private static readonly MatchItem s_tcp = new(MatchField.IpProto, [6]);
    private static readonly MatchItem s_tagged = new(MatchField.VlanVid, [0x10, 0x00], [0x10, 0x00]);

    public static TheoryData<FlowErrorCode, FlowSpec> Invalid => new()
    {
        { FlowErrorCode.BadTable, new FlowSpec { TableId = 64 } },
        { FlowErrorCode.BadField, Match(new MatchItem(MatchField.InPort, [0, 0, 0, 1])) },
        { FlowErrorCode.DuplicateField, Match(s_ipv4, s_ipv4) },
        { FlowErrorCode.BadValue, Match(s_ipv4, new(MatchField.IpDscp, [64])) },
        { FlowErrorCode.BadMask, Match(new MatchItem(MatchField.EthDst, new byte[6], new byte[6])) },
        { FlowErrorCode.BadMask, Match(new MatchItem(MatchField.VlanVid, [0x10, 0], [0x20, 0])) },
        { FlowErrorCode.MaskNotAllowed, Match(new MatchItem(MatchField.InPort, [0, 0, 0, 1], [0, 0, 0, 1])) },
        { FlowErrorCode.ValueOutsideMask, Match(new MatchItem(MatchField.Metadata, [0, 0, 0, 0, 0, 0, 0, 3],
            [0, 0, 0, 0, 0, 0, 0, 1])) },
        { FlowErrorCode.MissingPrerequisite, Match(new MatchItem(MatchField.Ipv4Src, [1, 2, 3, 4])) },
        { FlowErrorCode.MissingPrerequisite, Match(s_ipv4, new(MatchField.TcpSrc, [0, 1])) },
        { FlowErrorCode.MissingPrerequisite, Match(new MatchItem(MatchField.VlanPcp, [1])) },
        { FlowErrorCode.BadAction, Apply(new FlowAction((ActionKind)99, [])) },
        { FlowErrorCode.BadAction, Write(FlowAction.Output(1), new((ActionKind)33, [])) },
        { FlowErrorCode.BadActionLength, Apply(new FlowAction(ActionKind.Output, [1, 2])) },
        { FlowErrorCode.BadActionLength, Apply(new FlowAction(ActionKind.Drop, [1])) },
        { FlowErrorCode.BadActionLength, Apply(new FlowAction(ActionKind.SetField, [])) },
        { FlowErrorCode.BadActionLength, Apply(FlowAction.SetField(MatchField.EthDst, [1])) },
        { FlowErrorCode.BadOutputPort, Apply(FlowAction.Output(0)) },
        { FlowErrorCode.BadOutputPort, Apply(FlowAction.Output(ReservedPort.Any)) },
        { FlowErrorCode.BadOutputPort, Apply(FlowAction.Output(ReservedPort.Table)) },
        { FlowErrorCode.FieldNotSettable, Apply(FlowAction.SetField(MatchField.InPort, [0, 0, 0, 1])) },
        { FlowErrorCode.BadField, Apply(FlowAction.SetField((MatchField)200, [1])) },
        { FlowErrorCode.SetFieldPrerequisite, Apply(FlowAction.SetField(MatchField.Ipv4Src, [1, 2, 3, 4])) },
        { FlowErrorCode.SetFieldPrerequisite, Apply(FlowAction.DecTtl) },
        { FlowErrorCode.BadTpid, Apply(FlowAction.PushVlan(0x9100)) },
        { FlowErrorCode.VlanPrerequisite, Apply(FlowAction.PopVlan) },
        { FlowErrorCode.VlanPrerequisite, Apply(FlowAction.SetField(MatchField.VlanVid, [0x10, 1])) },
        { FlowErrorCode.VlanPrerequisite, Write(FlowAction.PushVlan(0x8100), FlowAction.PopVlan) },
        { FlowErrorCode.GotoNotForward, new FlowSpec { TableId = 3, GotoTable = 3 } },
        { FlowErrorCode.GotoNotForward, new FlowSpec { GotoTable = 64 } },
        { FlowErrorCode.TooManyActions, Apply([.. Enumerable.Repeat(FlowAction.Output(1), 65)]) },
        { FlowErrorCode.DuplicateActionInSet, Write(FlowAction.Output(1), FlowAction.Output(2)) },
        { FlowErrorCode.DuplicateActionInSet, Write(Mac(1), Mac(2)) },
        { FlowErrorCode.ActionAfterDrop, Apply(FlowAction.Drop, FlowAction.Output(1)) },
        { FlowErrorCode.MetadataOnLastTable, new FlowSpec { MetadataMask = 1 } },
        { FlowErrorCode.TooManyVlanTags, Apply([.. Enumerable.Repeat(FlowAction.PushVlan(0x8100), 3)]) },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void Is_refused_with_its_code(FlowErrorCode code, FlowSpec spec)
    {
        var bytes = spec.Encode();
        if (code == FlowErrorCode.BadField && spec.Match.Count > 0) bytes[FlowSpecHeader.Size] = 0xee;
        Assert.Equal(code, Decode(bytes).Code);
    }

    [Fact]
    public void Truncation_anywhere_is_seen()
    {
        var bytes = new FlowSpec { Match = [s_ipv4, s_tcp], ApplyActions = [FlowAction.Output(1)] }.Encode();
        for (var length = 0; length < bytes.Length; length++) Assert.Equal(FlowErrorCode.Truncated, Decode(bytes[..length]).Code);
        Assert.Equal(FlowErrorCode.Truncated, Decode([.. bytes, 0]).Code);
        bytes[^7] = 200;
        Assert.Equal(FlowErrorCode.Truncated, Decode(bytes).Code);
    }

    [Fact]
    public void Another_version_is_refused()
    {
        var bytes = new FlowSpec().Encode();
        bytes[0] = 2;
        Assert.Equal(FlowErrorCode.BadVersion, Decode(bytes).Code);
    }

    [Fact]
    public void The_place_of_an_action_counts_through_both_sections()
    {
        var spec = new FlowSpec
        {
            ApplyActions = [FlowAction.Output(1), FlowAction.Output(2)],
            WriteActions = [FlowAction.PopVlan]
        };
        Assert.Equal((short)2, Decode(spec.Encode()).ActionIndex);
        Assert.Contains("action 2", Decode(spec.Encode()).Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public void Tags_can_be_removed_as_often_as_the_match_and_pushes_warrant()
    {
        var inner = new MatchItem(MatchField.InnerVlanVid, [0x10, 0x00], [0x10, 0x00]);
        Assert.True(Decode(Popping(2, s_tagged, inner)).IsOk);
        Assert.Equal(FlowErrorCode.VlanPrerequisite, Decode(Popping(3, s_tagged, inner)).Code);
        Assert.Equal(FlowErrorCode.VlanPrerequisite, Decode(Popping(2, s_tagged)).Code);
        Assert.True(Decode(Apply(FlowAction.PushVlan(0x8100), FlowAction.PopVlan).Encode()).IsOk);
    }

    [Fact]
    public void An_action_set_is_checked_in_the_order_of_its_execution()
    {
        var vid = FlowAction.SetField(MatchField.VlanVid, [0x10, 5]);
        Assert.True(Decode(Write(vid, FlowAction.PushVlan(0x8100)).Encode()).IsOk);
        Assert.True(Decode(new FlowSpec
        {
            Match = [s_tagged],
            WriteActions = [vid, FlowAction.PushVlan(0x8100), FlowAction.PopVlan]
        }.Encode()).IsOk);
    }

    [Fact]
    public void Every_code_has_a_sentence_of_its_own()
    {
        var sentences = Enum.GetValues<FlowErrorCode>().Select(code =>
            new FlowSpecError(code, MatchField.TcpSrc, 1).Describe()).ToList();
        Assert.Equal(sentences.Count, sentences.Distinct().Count());
        Assert.DoesNotContain(sentences, sentence => sentence.StartsWith("error ", StringComparison.Ordinal));
    }

    private static byte[] Popping(int times, params MatchItem[] match) =>
        new FlowSpec { Match = match, ApplyActions = [.. Enumerable.Repeat(FlowAction.PopVlan, times)] }.Encode();

    private static FlowAction Mac(byte last) => FlowAction.SetField(MatchField.EthDst, [2, 0, 0, 0, 0, last]);

    private static FlowSpec Match(params MatchItem[] match) => new() { Match = match };

    private static FlowSpec Apply(params FlowAction[] actions) => new() { ApplyActions = actions };

    private static FlowSpec Write(params FlowAction[] actions) => new() { WriteActions = actions };

    private static FlowSpecError Decode(byte[] bytes)
    {
        FlowKey key = default, mask = default;
        return FlowSpecDecoder.TryDecode(bytes, FlowLimits.Default, out _, ref key, ref mask);
    }
}
