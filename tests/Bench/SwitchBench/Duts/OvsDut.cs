using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using KernelBypass.SwitchBench.Traffic;

namespace KernelBypass.SwitchBench.Duts;

/// <summary>
/// OVS-DPDK from Debian, started by hand in a folder of its own: one PMD thread on CPU 1, the rest on CPU 0. Rules are what
/// <paramref name="rules"/> names; <paramref name="warmSeconds"/> lets its datapath flows settle.
/// </summary>
internal sealed partial class OvsDut(TrafficShape shape, Func<Rig, string> rules, double warmSeconds, int normalMacs = 0) : IDut
{
    private Process? _database;
    private Process? _switchd;
    private string _folder = "";

    public string Name => "OVS-DPDK";

    public int Pid => _switchd!.Id;

    public async Task StartAsync(Rig rig)
    {
        await StartDaemonsAsync(rig);
        Vsctl($"add-br br0 -- set bridge br0 datapath_type=netdev fail-mode={(normalMacs > 0 ? "standalone" : "secure")} "
            + "other_config:mac-table-size=40000");
        Ofctl("del-flows br0");
        Ofctl($"add-flows br0 {rules(rig)}");
        Vsctl("add-port br0 p1 -- set Interface p1 type=dpdk options:dpdk-devargs=net_null0,no-rx=1 ofport_request=2");
        for (var i = 0; i < normalMacs; i++) Appctl($"fdb/add br0 p1 0 {PacketFiles.Mac(2, i)}");
        Vsctl($"add-port br0 p0 -- set Interface p0 type=dpdk options:dpdk-devargs=net_pcap0,rx_pcap={rig.Packets(shape)},infinite_rx=1 "
            + "ofport_request=1");
        await Task.Delay(TimeSpan.FromSeconds(warmSeconds));
        await ProcessRun.UntilAsync(async () => await ReadPacketsAsync() > 0, 30, "OVS's forwarding");
    }

    /// <summary>Starts both daemons with a bridge and no ports, for the flow-installation row.</summary>
    internal async Task StartEmptyAsync(Rig rig)
    {
        await StartDaemonsAsync(rig);
        Vsctl("add-br br0 -- set bridge br0 datapath_type=netdev fail-mode=secure");
    }

    /// <summary>Seconds that add-flows takes.</summary>
    internal double InstallSeconds(string file)
    {
        var clock = Stopwatch.StartNew();
        Ofctl($"add-flows br0 {file}");
        return clock.Elapsed.TotalSeconds;
    }

    public Task<ulong> ReadPacketsAsync()
    {
        var text = Appctl("dpif-netdev/pmd-perf-show -nh -pmd 1");
        var match = TxPackets().Match(text);
        return Task.FromResult(match.Success ? ulong.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0);
    }

    public Task StopAsync()
    {
        if (_switchd is { HasExited: false }) ProcessRun.Must($"timeout 10 ovs-appctl -t {_folder}/vswitchd.ctl exit || true");
        ProcessRun.Stop(_switchd, "TERM");
        ProcessRun.Stop(_database, "TERM");
        _switchd = _database = null;
        return Task.CompletedTask;
    }

    private async Task StartDaemonsAsync(Rig rig)
    {
        _folder = Path.Combine(rig.Folder, "ovs");
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
        Directory.CreateDirectory(_folder);
        var environment = $"env OVS_RUNDIR={_folder} OVS_LOGDIR={_folder} OVS_DBDIR={_folder} OVS_SYSCONFDIR={_folder}";
        ProcessRun.Must($"ovsdb-tool create {_folder}/conf.db /usr/share/openvswitch/vswitch.ovsschema");
        _database = ProcessRun.Start(
            $"{environment} taskset -c 0 ovsdb-server {_folder}/conf.db --remote=punix:{_folder}/db.sock --unixctl={_folder}/ovsdb.ctl",
            $"{_folder}/ovsdb.log");
        await ProcessRun.UntilAsync(() => Task.FromResult(File.Exists($"{_folder}/db.sock")), 10, "ovsdb-server's socket");
        Vsctl("--no-wait init");
        Vsctl("--no-wait set Open_vSwitch . other_config:dpdk-init=true other_config:pmd-cpu-mask=0x2 other_config:dpdk-lcore-mask=0x1 "
            + $"other_config:dpdk-extra=\"--no-pci --in-memory --file-prefix=kbbenchovs\"");
        var program = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk";
        _switchd = ProcessRun.Start(
            $"{environment} taskset -c 0 {program} unix:{_folder}/db.sock --unixctl={_folder}/vswitchd.ctl", $"{_folder}/vswitchd.log");
        await ProcessRun.UntilAsync(
            () => Task.FromResult(!_switchd.HasExited && ProcessRun.Must(
                $"ovs-vsctl --db=unix:{_folder}/db.sock --timeout=2 get Open_vSwitch . dpdk_initialized 2>/dev/null || true")
                .Contains("true", StringComparison.Ordinal)),
            30, $"OVS-DPDK's start (see {_folder}/vswitchd.log)");
    }

    private void Vsctl(string arguments) => ProcessRun.Must($"ovs-vsctl --db=unix:{_folder}/db.sock --timeout=60 {arguments}");

    private void Ofctl(string arguments) => ProcessRun.Must($"env OVS_RUNDIR={_folder} ovs-ofctl {arguments}");

    private string Appctl(string arguments) => ProcessRun.Must($"ovs-appctl -t {_folder}/vswitchd.ctl {arguments}");

    [GeneratedRegex(@"Tx packets:\s+(\d+)")]
    private static partial Regex TxPackets();
}
