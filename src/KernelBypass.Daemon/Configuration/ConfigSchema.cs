using static KernelBypass.Daemon.Configuration.ConfigField;

namespace KernelBypass.Daemon.Configuration;

/// <summary>Every key of kernelbypassd's configuration, one declaration each. Units stand in the names.</summary>
internal static class ConfigSchema
{
    private const string PciPattern = "([0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7]";
    private const string CpuListPattern = "[0-9]+(-[0-9]+|@[0-9]+)?(,[0-9]+(-[0-9]+|@[0-9]+)?)*";
    private const string NamePattern = "[A-Za-z0-9_.-]{1,63}";
    private const string NameText = "a name of 1 to 63 of [A-Za-z0-9_.-]";
    private const string EndpointPattern = "(\\[[0-9a-fA-F:]+\\]|[A-Za-z0-9_.-]+):[0-9]{1,5}";
    private const string EndpointText = "an address and port, as 127.0.0.1:9464 or [::1]:9464";

    /// <summary>The whole configuration.</summary>
    internal static ConfigField Root { get; } = Section(
        "kernelbypass",
        "Configuration of kernelbypassd and of the data plane it runs.",
        DataPlane(), Eal(), Mempool(), Limits(), Idle(),
        List("ports", PortItem(), "Ports to attach at start.") with { Reloadable = true },
        Pipeline(),
        List("flows", Text("flow", "", "A flow.", ".+", "a flow"),
            "Static flows, one a line, e.g. 'table=0, priority=10, eth_type=0x0800, ipv4_dst=10.0.0.0/8, actions=output:2'. "
            + "They are installed beside the flows of controllers; see 'Flow syntax'.") with
        { Reloadable = true },
        Grpc(), Telemetry(), Logging(), Journal());

    private static ConfigField DataPlane() => Section(
        "dataplane", "The data-plane process and how kernelbypassd looks after it.",
        Choice("supervise", "child", "child: kernelbypassd starts, adopts, restarts and stops the process. "
            + "external: something else does (systemd, a container); kernelbypassd only connects.", "child", "external"),
        Text("path", "kernelbypass-dataplane", "Executable: a path, or a name looked for beside kernelbypassd and then in PATH."),
        Text("run_dir", "/run/kernelbypass", "Directory of the shared memory and of the lock; one for each switch on a host.",
            "/.*", "an absolute path"),
        Integer("start_timeout_ms", 30_000, 100, 600_000, "Milliseconds that the data plane may take from start to ready."),
        Integer("stop_timeout_ms", 5_000, 100, 600_000, "Milliseconds from SIGTERM to SIGKILL when it is stopped."),
        Integer("command_timeout_ms", 10_000, 10, 600_000, "Milliseconds after which an unanswered command has failed."),
        Integer("restart_backoff_min_ms", 100, 1, 600_000, "Milliseconds before the second restart in a row (the first is at once)."),
        Integer("restart_backoff_max_ms", 10_000, 1, 600_000, "Greatest wait between restarts; it doubles up to this."),
        Integer("restart_backoff_reset_ms", 60_000, 1, 86_400_000, "Milliseconds of good health after which the back-off begins anew."));

    private static ConfigField Eal() => Section(
        "eal", "DPDK's environment abstraction layer.",
        Text("lcores", "", "CPUs for lcores, as '1-3,5', or lcores on CPUs, as '0@0,1@0'; empty: every CPU that the process may run on.",
            CpuListPattern, "a CPU list, as '1-3,5'"),
        Integer("main_lcore", -1, -1, 1023, "The lcore for commands and timeouts; the others move packets. -1: the lowest of lcores."),
        Boolean("hugepages", false, "Use hugepages; false runs anywhere but is slower and cannot drive most PCI devices."),
        Integer("memory_mb", 512, 32, 4_194_304, "Megabytes of memory for DPDK, shared over the NUMA nodes."),
        Text("file_prefix", "kernelbypass", "Prefix of DPDK's run-time files; one for each switch on a host.", NamePattern, NameText),
        List("pci_allow", Text("device", "", "A PCI address.", PciPattern, "a PCI address, as 0000:03:00.0"),
            "PCI devices that DPDK may probe; empty: none. PCI devices named by ports are added by themselves."),
        List("vdevs", Text("vdev", "", "A virtual device.", "[a-z][a-z0-9_]*[0-9]*(,.*)?", "a vdev with its arguments, as net_tap0,iface=tap0"),
            "Virtual devices to create at start, beside those that ports name."),
        Choice("iova_mode", "auto", "IO addresses: auto, virtual (va) or physical (pa).", "auto", "va", "pa"));

    private static ConfigField Mempool() => Section(
        "mempool", "Packet buffers.",
        Integer("mbufs", 32_768, 1_024, 16_777_216, "Buffers in the pool of each NUMA node."),
        Integer("cache", 256, 0, 512, "Buffers that an lcore keeps for itself."),
        Integer("data_room_bytes", 2_176, 1_024, 16_384, "Bytes of one buffer, 128 of headroom included; longer packets take several."));

    private static ConfigField Limits() => Section(
        "limits", "What the switch will hold at most. Each is also a metric; memory is reserved for it and touched on demand.",
        Integer("tables", 64, 1, 254, "Flow tables: 0 to tables - 1."),
        Integer("flows", 1_048_576, 1, 67_108_864, "Flows in all tables."),
        Integer("flows_per_table", 1_048_576, 1, 67_108_864, "Flows in one table."),
        Integer("actions_per_flow", 64, 1, 256, "Actions in one flow, apply_actions and write_actions together."),
        Integer("masks", 1_024, 1, 65_536, "Distinct masks in one table."),
        Integer("batch_flows", 16_384, 1, 1_048_576, "Updates in one WriteRequest."),
        Integer("macs", 65_536, 16, 16_777_216, "Learnt MAC addresses (output normal)."),
        Integer("mac_age_s", 300, 1, 1_000_000, "Seconds after which an unseen MAC address is forgotten."),
        Integer("ports", 64, 1, 1_024, "Attached ports."),
        Integer("packet_in_ring", 4_096, 16, 1_048_576, "Packets to the controller that wait between the processes."),
        Integer("packet_out_ring", 1_024, 16, 1_048_576, "Packets from the controller that wait between the processes."),
        Integer("timeout_sweep_ms", 1_000, 10, 60_000, "Milliseconds between two looks for idle and expired flows."),
        Integer("metrics", 16_384, 1_024, 1_048_576, "Counters of the data plane's metrics."),
        Integer("watch_queue", 16_384, 16, 1_048_576, "Events that wait for one slow watcher before it loses some."),
        Integer("watchers", 256, 1, 65_536, "Watch, packet-in, capture and trace streams open at once."));

    private static ConfigField Idle() => Section(
        "idle", "What an lcore does when there are no packets. The sleep bound is the latency that an idle switch adds.",
        Integer("spin_polls", 1_000, 0, 1_000_000_000, "Empty polls before the lcore starts to pause."),
        Integer("pause_polls", 1_000, 0, 1_000_000_000, "Empty polls with a pause instruction before the lcore starts to sleep."),
        Integer("max_sleep_us", 1_000, 0, 1_000_000, "Longest sleep in microseconds; 0 never sleeps: one whole CPU for each lcore."),
        Integer("main_wait_us", 5_000, 0, 100_000,
            "Longest wait of the main lcore, in microseconds: what an idle switch adds to a packet-in. Commands wake it."));

    private static ConfigField PortItem() => Section(
        "port", "A port.",
        Text("name", "", "Unique name.", NamePattern, NameText) with { Required = true },
        Integer("number", 0, 0, 65_279, "Port number that flows use; 0: the next free."),
        Text("device", "", "PCI address (0000:03:00.0) or vdev with arguments (net_tap0,iface=tap0), as in DPDK.",
            PciPattern + "|net_[a-z0-9_]+(,.*)?", "a PCI address or a vdev, as 0000:03:00.0 or net_tap0,iface=tap0") with
        { Required = true },
        Integer("rx_queues", 0, 0, 1_024, "Receive queues; 0: one for each receiving lcore, as far as the device has them."),
        Integer("tx_queues", 0, 0, 1_024, "Transmit queues; 0: one for each sending lcore, as far as the device has them."),
        Integer("rx_descriptors", 1_024, 32, 32_768, "Descriptors of a receive queue."),
        Integer("tx_descriptors", 1_024, 32, 32_768, "Descriptors of a transmit queue."),
        Integer("mtu", 1_500, 68, 9_000, "Bytes of layer 3 in a frame."),
        Boolean("promiscuous", true, "Receive frames for any address: a switch needs it."),
        Boolean("allmulticast", false, "Receive every multicast frame."),
        Text("mac", "", "MAC address; empty: the device's own.", "([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}", "a MAC address, as 02:00:00:00:00:01"),
        Boolean("no_flood", false, "Leave the port out of output flood."),
        Boolean("admin_down", false, "Attach it, but receive and send nothing."));

    private static ConfigField Pipeline() => Section(
        "pipeline", "The stages that a packet passes, and the lcores they run on.",
        List("stages", Section(
                "stage", "A stage.",
                Text("name", "", "Unique name.", NamePattern, NameText) with { Required = true },
                Text("kind", "", "Kind of stage; empty: the same as its name. PipelineService.ListStageKinds lists them.", NamePattern, NameText),
                Map("options", Integer("option", 0, long.MinValue, long.MaxValue, "The option's value."), "Options of this kind of stage.")),
            "The chain in order; empty: the data plane's own chain with default options."),
        List("placement", Section(
                "chain", "Consecutive stages on lcores.",
                List("stages", Text("stage", "", "Name of a stage.", NamePattern, NameText), "Names of consecutive stages.") with { Required = true },
                List("lcores", Integer("lcore", 0, 0, 1_023, "An lcore."), "The lcores that run this chain, one instance each.") with { Required = true }),
            "Chains in order; between two chains stand rings. Empty: every stage on every worker lcore.") with
        { Reloadable = true });

    private static ConfigField Grpc() => Section(
        "grpc", "The API.",
        Section("unix_socket", "The API's unix socket.",
            Text("path", "", "Path; empty: <dataplane.run_dir>/api.sock.", "/.{0,106}", "an absolute path of at most 107 bytes"),
            Text("mode", "0660", "Permissions of the socket, octal.", "0?[0-7]{3}", "an octal mode, as 0660")),
        Section("tcp", "The API over TCP; off unless listen is given.",
            Text("listen", "", "Address and port; empty: off. Without TLS give a loopback address.", EndpointPattern, EndpointText),
            Text("tls_certificate", "", "PEM file with the server's certificate chain; empty: no TLS."),
            Text("tls_key", "", "PEM file with its private key."),
            Text("client_ca", "", "PEM file with the authority that client certificates must come from: mutual TLS."),
            Boolean("allow_insecure", false, "Allow an address beyond loopback without mutual TLS: whoever reaches it owns the switch.")),
        Integer("max_message_bytes", 16_777_216, 65_536, 268_435_456, "Greatest message in either direction."),
        Integer("max_streams", 256, 1, 65_536, "Concurrent calls of one connection."),
        Boolean("test_service", false, "Serve grpc.testing.TestService, for interoperability tests only."));

    private static ConfigField Telemetry() => Section(
        "telemetry", "Metrics.",
        Section("prometheus", "Prometheus endpoint.",
            Text("listen", "127.0.0.1:9464", "Address and port of GET /metrics; empty: off.", EndpointPattern, EndpointText) with { MayBeEmpty = true }),
        Section("otlp", "OpenTelemetry export.",
            Text("endpoint", "", "URL of a collector; empty: off.", "https?://.+", "a URL, as http://127.0.0.1:4317") with { Reloadable = true },
            Choice("protocol", "grpc", "OTLP's transport.", "grpc", "http") with { Reloadable = true },
            Integer("interval_ms", 10_000, 100, 3_600_000, "Milliseconds between exports.") with { Reloadable = true }));

    private static ConfigField Logging() => Section(
        "logging", "The log, on standard error.",
        Choice("level", "info", "Least level that is written.", "trace", "debug", "info", "warning", "error") with { Reloadable = true },
        Choice("format", "text", "text for people, json for machines: one object a line.", "text", "json"));

    private static ConfigField Journal() => Section(
        "journal", "The flow journal: what a restarted switch gets its flows from.",
        Text("path", "/var/lib/kernelbypass",
            "Directory of the journal and its snapshot; empty: flows live in memory only.", "/.*", "an absolute path") with
        { MayBeEmpty = true },
        Choice("sync", "interval", "When written flows are forced to the disk: always (before the answer), interval, or never (the kernel's choice). "
            + "A crash of kernelbypassd loses nothing either way; a power failure loses what was not forced.", "always", "interval", "never"),
        Integer("sync_interval_ms", 200, 1, 60_000, "Milliseconds between two syncs with sync: interval."),
        Integer("compact_mb", 64, 1, 65_536, "Megabytes of journal after which it is rewritten as a snapshot, if that is at most half as long."));
}
