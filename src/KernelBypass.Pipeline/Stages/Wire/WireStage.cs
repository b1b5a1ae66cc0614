using KernelBypass.Dpdk.Native;
using KernelBypass.Model.Declarations;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Stages.Wire;

/// <summary>
/// A patch cable: sends every packet to one port, unparsed. With <c>rx</c> before and <c>tx</c> behind it is the cheapest
/// pipeline
/// there is, the one that pass-through is measured with.
/// </summary>
public sealed unsafe class WireStage : Stage
{
    private readonly uint _port;

    /// <summary>One for each lcore.</summary>
    public WireStage(StageContext context)
        : base(Declared, context)
    {
        ArgumentNullException.ThrowIfNull(context);
        _port = (uint)context.Option("forward_to");
    }

    /// <summary>The stage's declaration.</summary>
    public static StageDeclaration Declared { get; } = new(
        "wire",
        "Sends every packet to one port, without looking at it.",
        [new OptionDeclaration("forward_to", 1, 1, 65_279, "Number of the port.")],
        [],
        []);

    /// <inheritdoc/>
    public override void Process(ref Burst burst)
    {
        var packets = burst.Packets;
        for (var i = 0; i < burst.Count; i++) ((PacketMeta*)((RteMbuf*)packets[i] + 1))->OutPort = _port;
    }
}
