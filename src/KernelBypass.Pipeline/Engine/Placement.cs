using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Stages.Rx;
using KernelBypass.Pipeline.Stages.Tx;

namespace KernelBypass.Pipeline.Engine;

/// <summary>
/// A placement made ready: what each lcore will run, with the rings between chains. Nothing of it runs before it is applied.
/// </summary>
internal sealed class Placement : IDisposable
{
    private readonly List<(LcoreWorker Worker, StageSlot[] Slots, RingInput? Input, RingOutput? Output)> _plans = [];
    private readonly List<LinkRing> _rings = [];

    internal Placement(IReadOnlyList<ChainSpec> chains, Func<int, LcoreWorker> worker) =>
        (Chains, Workers) = (chains, [.. chains.Select(c => c.Lcores.Select(worker).ToArray())]);

    internal IReadOnlyList<ChainSpec> Chains { get; }

    /// <summary>The lcores of each chain.</summary>
    internal LcoreWorker[][] Workers { get; }

    internal IReadOnlyList<LinkRing> Rings => _rings;

    /// <summary>Makes rings, and asks for the stages of each lcore.</summary>
    internal void Prepare(EngineOptions options, Func<string, LcoreWorker, StageSlot> stage)
    {
        var inputs = new LinkRing[Workers[0].Length];
        for (var c = 0; c < Workers.Length; c++)
        {
            var outputs = c + 1 == Workers.Length ? [] : MakeRings(Workers[c].Length, Workers[c + 1], options);
            for (var i = 0; i < Workers[c].Length; i++)
            {
                var worker = Workers[c][i];
                StageSlot[] slots = [.. Chains[c].Stages.Select(name => stage(name, worker))];
                var input = c == 0 ? null : new RingInput(inputs[i]);
                var output = outputs.Length == 0 ? null : new RingOutput(worker, outputs, i, options);
                _plans.Add((worker, slots, input, output));
            }

            inputs = outputs;
        }
    }

    /// <summary>Gives each lcore, all being stopped, its part.</summary>
    internal void Apply()
    {
        foreach (var (worker, slots, input, output) in _plans) worker.Configure(slots, input, output);
    }

    /// <summary>Starts all lcores, consumers first.</summary>
    internal void Launch()
    {
        for (var c = Workers.Length - 1; c >= 0; c--)
        {
            foreach (var worker in Workers[c])
            {
                if (!worker.IsRunning) worker.Launch();
            }
        }
    }

    internal IEnumerable<(RxStage Stage, int Lcore)> RxStages() => Find<RxStage>();

    internal IEnumerable<(TxStage Stage, int Lcore)> TxStages() => Find<TxStage>();

    public void Dispose()
    {
        foreach (var ring in _rings) ring.Dispose();
    }

    private IEnumerable<(T Stage, int Lcore)> Find<T>()
        where T : Stages.Stage
    {
        foreach (var plan in _plans)
        {
            foreach (var slot in plan.Slots)
            {
                if (slot.Stage is T stage) yield return (stage, plan.Worker.Lcore);
            }
        }
    }

    private LinkRing[] MakeRings(int producers, LcoreWorker[] consumers, EngineOptions options)
    {
        var rings = new LinkRing[consumers.Length];
        for (var i = 0; i < rings.Length; i++)
        {
            rings[i] = new LinkRing(options.RingSize, producers, Dpdk.Lcore.GetNumaNode((uint)consumers[i].Lcore));
            _rings.Add(rings[i]);
        }

        return rings;
    }
}
