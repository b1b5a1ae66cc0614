using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Tests.Tables;

/// <summary>The same tables as a list that is searched from end to end.</summary>
internal sealed class LinearModel
{
    internal sealed class Flow
    {
        internal FlowHandle Handle { get; set; }

        internal required FlowSpec Spec { get; set; }

        internal FlowKey Key;
        internal FlowKey Mask;

        internal ulong Packets { get; set; }
    }

    internal List<Flow> Flows { get; } = [];

    internal static Flow Make(FlowSpec spec)
    {
        var flow = new Flow { Spec = spec };
        var bytes = spec.Encode();
        var error = FlowSpecDecoder.TryDecode(bytes, FlowLimits.Default, out _, ref flow.Key, ref flow.Mask);
        Assert.Equal(FlowErrorCode.None, error.Code);
        return flow;
    }

    internal Flow? Twin(Flow flow) => Flows.Find(other => other.Spec.TableId == flow.Spec.TableId
        && other.Spec.Priority == flow.Spec.Priority && Same(other.Key, flow.Key) && Same(other.Mask, flow.Mask));

    /// <summary>Flows of the highest priority that match in a table: any of them may be met.</summary>
    internal List<Flow> Best(byte table, in FlowKey key)
    {
        var best = new List<Flow>();
        foreach (var flow in Flows)
        {
            if (flow.Spec.TableId != table || !Matches(flow, key)) continue;
            if (best.Count > 0 && best[0].Spec.Priority > flow.Spec.Priority) continue;
            if (best.Count > 0 && best[0].Spec.Priority < flow.Spec.Priority) best.Clear();
            best.Add(flow);
        }

        return best;
    }

    internal bool Overlaps(Flow flow) => Flows.Exists(other => other.Spec.TableId == flow.Spec.TableId
        && other.Spec.Priority == flow.Spec.Priority && Compatible(flow, other));

    private static bool Compatible(Flow left, Flow right)
    {
        for (var i = 0; i < FlowKeyLayout.Words; i++)
            if (((left.Key[i] ^ right.Key[i]) & left.Mask[i] & right.Mask[i]) != 0) return false;
        return true;
    }

    private static bool Matches(Flow flow, in FlowKey key)
    {
        for (var i = 0; i < FlowKeyLayout.Words; i++)
            if ((key[i] & flow.Mask[i]) != flow.Key[i]) return false;
        return true;
    }

    private static bool Same(in FlowKey left, in FlowKey right) => ((ReadOnlySpan<ulong>)left).SequenceEqual(right);
}
