using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using KernelBypass.Dpdk.Native;
using KernelBypass.Model.Declarations;
using KernelBypass.Pipeline.Actions;
using KernelBypass.Pipeline.L2;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Stages.Actions;

/// <summary>
/// Executes the flows that classify has put in each packet's meta. The burst leaves it with every packet to send, meta.OutPort set;
/// packets without an output are dropped.
/// </summary>
public sealed unsafe class ActionsStage : Stage, IDisposable
{
    private const string AgeOption = "mac_age_seconds";

    /// <summary>Option: packets that dec_ttl drops also go to the controller.</summary>
    public const string PuntExpiredOption = "punt_expired_ttl";

    private static readonly MetricDeclaration s_deferred = new(
        "kernelbypass_mac_learn_deferred", "{event}", "Learn events put off because the queue to the main lcore was full.", MetricKind.Counter);

    private const int PrefetchDistance = 4;

    private readonly PortDirectory _ports;
    private readonly ActionExecutor _executor;
    private readonly void** _outputs;

    /// <summary>Kind, options and drop reasons of the stage.</summary>
    public static StageDeclaration Declared { get; } = new(
        "actions",
        "Executes actions: output, drop, set-field, push and pop VLAN, dec_ttl; L2 learning for output normal.",
        [
            new(AgeOption, MacTable.DefaultAgeSeconds, 0, 1_000_000, "Seconds without a packet after which a learnt station is forgotten; 0 never."),
            new(PuntExpiredOption, 0, 0, 1, "1: packets that dec_ttl drops also go to the controller, reason INVALID_TTL."),
        ],
        ActionsDropReasons.All,
        [s_deferred]);

    /// <summary>One instance for each lcore.</summary>
    public ActionsStage(StageContext context, PortDirectory ports, MacTable macs)
        : base(Declared, context)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(macs);
        _ports = ports;
        macs.AgeSeconds = (uint)context.Option(AgeOption);
        _outputs = (void**)NativeMemory.Alloc(Burst.Capacity, (nuint)sizeof(void*));
        var learner = new MacLearner(macs, context.LcoreId, context.Counter(s_deferred.Name));
        _executor = new ActionExecutor(context, _outputs, learner, context.Option(PuntExpiredOption) != 0);
    }

    /// <inheritdoc/>
    public override void Process(ref Burst burst)
    {
        var count = burst.Count;
        if (count == 0) return;
        var packets = burst.Packets;
        _executor.Begin(_ports.Current);
        for (var i = 0; i < Math.Min(count, PrefetchDistance); i++) PrefetchActions(packets[i]);
        for (var i = 0; i < count; i++)
        {
            if (i + PrefetchDistance < count) PrefetchActions(packets[i + PrefetchDistance]);
            _executor.Execute(packets[i]);
        }

        var outputs = _executor.Outputs;
        outputs.CopyTo(new Span<nint>(packets, Burst.Capacity));
        burst.Count = outputs.Length;
    }

    /// <summary>Classify has touched the flow; what it does stands elsewhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchActions(void* mbuf)
    {
        var meta = (PacketMeta*)((RteMbuf*)mbuf + 1);
        if (!Sse.IsSupported || meta->FlowCount != 1) return;
        var ops = (byte*)((FlowEntry*)meta->Flow0)->Apply;
        Sse.Prefetch0(ops);
        Sse.Prefetch0(ops + 64);
    }

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.Free(_outputs);
}
