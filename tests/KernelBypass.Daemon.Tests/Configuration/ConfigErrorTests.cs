using KernelBypass.Daemon.Configuration;

namespace KernelBypass.Daemon.Tests.Configuration;

public sealed class ConfigErrorTests
{
    private static IReadOnlyList<ConfigError> Errors(string yaml, HostInventory? host = null) =>
        Assert.Throws<ConfigException>(() => ConfigLoader.Parse("f.yaml", new StringReader(yaml), host)).Errors;

    private static DaemonConfig Load(string yaml) => ConfigLoader.Parse("f.yaml", new StringReader(yaml), null);

    [Theory]
    [InlineData("idel:\n  max_sleep_us: 3\n", 1, 1, "idel", "did you mean 'idle'")]
    [InlineData("idle:\n  max_slep_us: 3\n", 2, 3, "idle.max_slep_us", "did you mean 'max_sleep_us'")]
    [InlineData("idle:\n  zzz: 3\n", 2, 3, "idle.zzz", "known keys: spin_polls")]
    [InlineData("idle:\n  max_sleep_us: fast\n", 2, 17, "idle.max_sleep_us", "not a whole number")]
    [InlineData("idle:\n  max_sleep_us: 1.5\n", 2, 17, "idle.max_sleep_us", "not a whole number")]
    [InlineData("idle:\n  max_sleep_us: -1\n", 2, 17, "idle.max_sleep_us", "from 0 to 1000000")]
    [InlineData("idle:\n  max_sleep_us:\n", 2, 16, "idle.max_sleep_us", "is empty")]
    [InlineData("idle:\n  max_sleep_us: [1]\n", 2, 17, "idle.max_sleep_us", "a list stands")]
    [InlineData("idle: 3\n", 1, 7, "idle", "where a section")]
    [InlineData("idle:\n  max_sleep_us: 1\n  max_sleep_us: 2\n", 3, 3, "idle.max_sleep_us", "stands in line 2 already")]
    [InlineData("eal:\n  hugepages: yes\n", 2, 14, "eal.hugepages", "neither true nor false")]
    [InlineData("eal:\n  iova_mode: vaa\n", 2, 14, "eal.iova_mode", "did you mean 'va'")]
    [InlineData("eal:\n  lcores: all\n", 2, 11, "eal.lcores", "not a CPU list")]
    [InlineData("eal:\n  lcores: 0-1\n  main_lcore: 3\n", 3, 15, "eal.main_lcore", "not in eal.lcores")]
    [InlineData("eal:\n  iova_mode: pa\n", 2, 14, "eal.iova_mode", "hugepages")]
    [InlineData("ports: p1\n", 1, 8, "ports", "where a list")]
    [InlineData("ports:\n- name: a\n", 2, 3, "ports[0]", "needs 'device'")]
    [InlineData("ports:\n- {name: 'a b', device: net_null0}\n", 2, 10, "ports[0].name", "not a name")]
    [InlineData("ports:\n- {name: a, device: eth0}\n", 2, 21, "ports[0].device", "PCI address or a vdev")]
    [InlineData("ports:\n- {name: a, device: net_null0}\n- {name: a, device: net_null1}\n", 3, 10, "ports[1].name", "duplicate name 'a'")]
    [InlineData("ports:\n- {name: a, device: net_null0}\n- {name: b, device: net_null0}\n", 3, 21, "ports[1].device", "duplicate device")]
    [InlineData("ports:\n- {name: a, number: 1, device: net_null0}\n- {name: b, number: 1, device: net_null1}\n", 3, 21, "ports[1].number", "duplicate number")]
    [InlineData("ports:\n- {name: a, device: net_null0, mac: '01:00:00:00:00:01'}\n", 2, 37, "ports[0].mac", "multicast")]
    [InlineData("ports:\n- {name: a, device: net_null0, mtu: 9001}\n", 2, 37, "ports[0].mtu", "68 to 9000")]
    [InlineData("flows: ['table=0, actions=output:0']\n", 1, 9, "flows[0]", "output port")]
    [InlineData("flows: ['tcp_dst=80, actions=drop']\n", 1, 9, "flows[0]", "prerequisites")]
    [InlineData("flows: ['tcp, tcp_dts=80, actions=drop']\n", 1, 9, "flows[0]", "tcp_dts")]
    [InlineData("flows: ['priority=1']\n", 1, 9, "flows[0]", "actions=drop")]
    [InlineData("flows: ['priority=1,actions=drop', 'priority=1, actions=normal']\n", 1, 36, "flows[1]", "the same table, priority and match")]
    [InlineData("limits: {packet_in_ring: 100}\n", 1, 26, "limits.packet_in_ring", "power of two")]
    [InlineData("grpc: {tcp: {listen: '0.0.0.0:50051'}}\n", 1, 22, "grpc.tcp.listen", "without a client certificate")]
    [InlineData("grpc: {tcp: {listen: '127.0.0.1:99999'}}\n", 1, 22, "grpc.tcp.listen", "port from 1")]
    [InlineData("grpc: {tcp: {tls_key: k}}\n", 1, 23, "grpc.tcp.tls_key", "go together")]
    [InlineData("grpc: {unix_socket: {mode: '888'}}\n", 1, 28, "grpc.unix_socket.mode", "octal")]
    [InlineData("dataplane: {run_dir: run}\n", 1, 22, "dataplane.run_dir", "absolute path")]
    [InlineData("dataplane: {restart_backoff_min_ms: 20000}\n", 1, 37, "dataplane.restart_backoff_min_ms", "above")]
    [InlineData("pipeline: {stages: [{name: a}, {name: a}]}\n", 1, 39, "pipeline.stages[1].name", "duplicate name")]
    [InlineData("pipeline: {stages: [{name: a}, {name: b}], placement: [{stages: [b, a], lcores: [1]}]}\n", 1, 66, "pipeline.placement[0].stages[0]",
        "out of order")]
    [InlineData("pipeline: {stages: [{name: rx}], placement: [{stages: [rxx], lcores: [1]}]}\n", 1, 56, "pipeline.placement[0].stages[0]", "did you mean 'rx'")]
    [InlineData("pipeline: {placement: [{stages: [rx], lcores: [1]}, {stages: [tx], lcores: [1]}]}\n", 1, 77, "pipeline.placement[1].lcores[0]", "already")]
    [InlineData("a: [1\n", 2, 1, "", "not YAML")]
    [InlineData("ports: []\n---\nports: []\n", 2, 1, "", "one document")]
    [InlineData("ports: *nowhere\n", 1, 8, "", "no anchor")]
    public void Each_error_names_place_path_and_remedy(string yaml, int line, int column, string path, string message)
    {
        var error = Assert.Single(Errors(yaml).Where(e => e.Path == path).Take(1));
        Assert.Equal((line, column), (error.Place.Line, error.Place.Column));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.StartsWith($"f.yaml:{line}:{column}: ", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void All_errors_are_listed_in_the_files_order()
    {
        var errors = Errors("idle: {max_sleep_us: x, spin: 1}\nports:\n- {name: a}\nfoo: 1\nlogging: {level: loud}\n");
        Assert.Equal(["idle.max_sleep_us", "idle.spin", "ports[0]", "foo", "logging.level"], errors.Select(error => error.Path));
    }

    [Fact]
    public void An_empty_file_is_all_defaults()
    {
        var config = Load("");
        Assert.Equal("/run/kernelbypass", config.DataPlane.RunDir);
        Assert.Equal("/run/kernelbypass/api.sock", config.Grpc.SocketPath);
        Assert.Equal("127.0.0.1:9464", config.Telemetry.PrometheusListen);
        Assert.Equal(JournalSync.Interval, config.Journal.Sync);
        Assert.Equal(64, config.Limits.Tables);
        Assert.Empty(config.Ports);
    }

    [Fact]
    public void Numbers_may_be_grouped_and_hexadecimal_and_anchors_work()
    {
        var config = Load("limits: {flows: 2_000_000, macs: 0x100}\nports:\n- &p {name: a, device: net_null0, mtu: 9000}\n");
        Assert.Equal((2_000_000, 256, 9000), (config.Limits.Flows, config.Limits.Macs, config.Ports[0].Mtu));
    }

    [Fact]
    public void What_the_host_lacks_is_an_error()
    {
        var root = Directory.CreateTempSubdirectory("kb-host-").FullName;
        try
        {
            Directory.CreateDirectory(root + "/sys/devices/system/cpu");
            File.WriteAllText(root + "/sys/devices/system/cpu/online", "0-3\n");
            Directory.CreateDirectory(root + "/sys/bus/pci/devices/0000:03:00.0");
            Directory.CreateDirectory(root + "/sys/class/net/eth1");
            var errors = Errors(
                """
                dataplane: {supervise: external}
                eal: {lcores: "2-4", pci_allow: ["03:00.0", "0000:04:00.0"]}
                ports:
                - {name: a, device: "0000:03:00.0"}
                - {name: b, device: "0000:05:00.0"}
                - {name: c, device: "net_af_packet0,iface=eth1"}
                - {name: d, device: "net_af_packet1,iface=eth9"}
                - {name: e, device: "net_tap0,iface=new0"}
                - {name: f, device: "net_pcap0,rx_pcap=/no/file.pcap"}
                grpc: {tcp: {tls_certificate: /no/cert, tls_key: /no/key}}
                """,
                new HostInventory(root));
            Assert.Equal(
                ["eal.lcores", "eal.pci_allow[1]", "ports[1].device", "ports[3].device", "ports[5].device",
                    "grpc.tcp.tls_certificate", "grpc.tcp.tls_key"],
                errors.Select(error => error.Path));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [Fact]
    public void A_missing_executable_is_an_error()
    {
        var error = Assert.Single(Errors("dataplane: {path: /no/such/dataplane}\n", new HostInventory()));
        Assert.Equal("dataplane.path", error.Path);
    }
}
