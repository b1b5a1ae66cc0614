using KernelBypass.Channel;
using KernelBypass.Channel.Server;
using KernelBypass.Channel.SharedMemory;
using KernelBypass.DataPlane.Configuration;
using KernelBypass.Dpdk;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.L2;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Stages;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.DataPlane.Switch;

/// <summary>
/// Everything that the switch is made of, put together: channel, EAL, counters, tables, engine. Made and disposed by the host's
/// thread;
/// used by the main lcore.
/// </summary>
internal sealed class SwitchRuntime : IDisposable
{
    private readonly Stack<IDisposable> _parts = new();

    private SwitchRuntime(DataPlaneConfig config, string configDigest)
    {
        Config = config;
        ConfigDigest = configDigest;
    }

    internal DataPlaneConfig Config { get; }

    internal string ConfigDigest { get; }

    internal SteadyClock Clock { get; } = new();

    internal ControlServer Server { get; private set; } = null!;

    internal FlowStatsWriter FlowStats { get; private set; } = null!;

    internal Eal Eal { get; private set; } = null!;

    internal ProcessCounters Counters { get; private set; } = null!;

    internal FlowTables Tables { get; private set; } = null!;

    internal MacTable Macs { get; private set; } = null!;

    internal KeyWordDemand WordDemand { get; } = new();

    internal PortDirectory PortNumbers { get; } = new();

    internal PipelineEngine Engine { get; private set; } = null!;

    internal FlowLimits FlowLimits => new((byte)Config.Limits.Tables, Config.Limits.ActionsPerFlow);

    /// <summary>Builds the switch; nothing runs yet.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="configDigest">Its digest, for the supervisor.</param>
    /// <param name="log">DPDK's log lines.</param>
    /// <exception cref="ChannelException">The run directory cannot be used.</exception>
    /// <exception cref="DpdkException">EAL does not start.</exception>
    /// <exception cref="PipelineException">The pipeline cannot be.</exception>
    internal static SwitchRuntime Create(DataPlaneConfig config, string configDigest, Action<DpdkLogEntry> log)
    {
        var runtime = new SwitchRuntime(config, configDigest);
        try
        {
            runtime.Build(log);
            return runtime;
        }
        catch
        {
            runtime.Dispose();
            throw;
        }
    }

    /// <summary>Takes everything down, in the reverse order of its making.</summary>
    public void Dispose()
    {
        while (_parts.TryPop(out var part)) part.Dispose();
    }

    private void Build(Action<DpdkLogEntry> log)
    {
        var limits = Config.Limits;
        var directory = new RunDirectory(Config.RunDir);
        // The channel comes first: it holds the lock that keeps two data planes out of one directory.
        Server = Keep(ControlServer.Create(directory, new ChannelOptions { BatchFlows = limits.BatchFlows }));
        var metrics = Keep(MetricsWriter.Create(directory, limits.Metrics));
        Eal = Keep(Eal.Initialize(EalSettings.From(Config.Eal, Config.Logging), log));
        var counters = new SharedCounterSpace(metrics);
        Counters = new ProcessCounters(counters);
        int[] lcores = [.. Lcore.Workers.Select(lcore => (int)lcore)];
        if (lcores.Length == 0) throw new PipelineException(
            $"eal.lcores '{Config.Eal.Lcores}' leaves no worker: give at least two lcores");
        var slots = FlowTablesOptions.SlotsFor(limits.Flows);
        FlowStats = Keep(FlowStatsWriter.Create(directory, lcores.Length, slots));
        var services = new StageServices().Add(WordDemand).Add(PortNumbers);
        Macs = Keep(new MacTable(
            limits.Macs, Math.Max(lcores.Max(), (int)Lcore.Main) + 1, counters)
        { AgeSeconds = (uint)limits.MacAgeS });
        Tables = Keep(new FlowTables(new FlowTablesOptions
        {
            Limits = FlowLimits,
            MaxFlows = limits.Flows,
            MaxFlowsPerTable = limits.FlowsPerTable,
            MaxMasks = limits.Masks,
            Statistics = FlowLanes.Of(FlowStats, lcores, slots),
            GracePeriod = services.GetOrAdd(() => new GracePeriod()),
            PortExists = number => PortNumbers.Current.IndexOf(number) >= 0,
        }));
        services.Add(Macs).Add(Tables);
        var pipeline = PipelineSettings.From(Config, lcores);
        Engine = Keep(new PipelineEngine(PipelineSettings.Options(Config), pipeline, StageCatalogue.Default, services, counters));
    }

    private T Keep<T>(T part)
        where T : IDisposable
    {
        _parts.Push(part);
        return part;
    }
}
