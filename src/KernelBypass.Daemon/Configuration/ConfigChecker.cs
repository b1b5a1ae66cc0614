using System.Net;
using KernelBypass.Daemon.Flows;

namespace KernelBypass.Daemon.Configuration;

/// <summary>Checks what one key alone cannot tell: duplicates, references between sections, and what the host has.</summary>
internal sealed class ConfigChecker(ConfigNode root, DaemonConfig config, ConfigErrors errors)
{
    internal void Check(HostInventory? host)
    {
        CheckPorts();
        CheckPipeline();
        CheckFlows();
        CheckListeners();
        CheckRanges();
        if (host is not null) CheckHost(host);
    }

    private void CheckPorts()
    {
        var ports = root["ports"].Items;
        Unique(ports, port => port["name"], node => node.Text, "name");
        Unique([.. ports.Where(port => port["number"].Integer != 0)], port => port["number"], node => node.Integer, "number");
        Unique(ports, port => port["device"], node => node.Text.Split(',')[0], "device");
        if (ports.Count > config.Limits.Ports)
            errors.Add(ports[config.Limits.Ports], $"more ports than limits.ports ({config.Limits.Ports}): raise it or remove ports");
        foreach (var port in ports)
        {
            if (port["mac"].Text is { Length: > 0 } mac && (Convert.ToByte(mac[..2], 16) & 1) != 0)
                errors.Add(port["mac"], $"{mac} is a multicast address: the first byte of a port's address is even");
        }
    }

    private void CheckPipeline()
    {
        var stages = root["pipeline"]["stages"].Items;
        Unique(stages, stage => stage["name"], node => node.Text, "name");
        var lcores = CpuList.Parse(config.Eal.Lcores);
        var placed = new HashSet<long>();
        foreach (var chain in root["pipeline"]["placement"].Items)
        {
            if (chain["stages"].Items.Count == 0) errors.Add(chain["stages"], "names no stage");
            if (chain["lcores"].Items.Count == 0) errors.Add(chain["lcores"], "names no lcore");
            foreach (var lcore in chain["lcores"].Items)
            {
                if (!placed.Add(lcore.Integer)) errors.Add(lcore, $"lcore {lcore.Integer} runs another chain or this one already");
                if (lcores.Count > 0 && !lcores.Contains(lcore.Int))
                    errors.Add(lcore, $"lcore {lcore.Integer} is not in eal.lcores ({config.Eal.Lcores})");
            }
        }

        if (stages.Count > 0) CheckPlacement(root["pipeline"]["placement"], [.. stages.Select(stage => stage["name"].Text)], errors);
    }

    /// <summary>Chains hold every stage once, in order; no chain at all is the default.</summary>
    internal static void CheckPlacement(ConfigNode placement, IReadOnlyList<string> names, ConfigErrors errors)
    {
        var position = 0;
        foreach (var stage in placement.Items.SelectMany(chain => chain["stages"].Items))
        {
            var index = names.ToList().IndexOf(stage.Text);
            if (index < 0)
            {
                var nearest = NearestName.Find(stage.Text, names);
                errors.Add(stage, $"no stage '{stage.Text}'{(nearest is null ? "" : $": did you mean '{nearest}'?")}");
            }
            else if (index != position)
            {
                errors.Add(stage, $"stage '{stage.Text}' is out of order: chains hold every stage of the pipeline once, in order");
            }

            position = Math.Max(position, index + 1);
        }

        if (placement.Items.Count > 0 && position < names.Count)
            errors.Add(placement, $"stage '{names[position]}' is placed nowhere: chains hold every stage, in order");
    }

    private void CheckFlows()
    {
        var identities = new Dictionary<string, int>();
        for (var i = 0; i < config.Flows.Count; i++)
        {
            var identity = Convert.ToHexString(FlowIdentity.Of(config.Flows[i].Spec).ToBytes());
            if (identities.TryAdd(identity, i)) continue;
            var node = root["flows"].Items.First(item => item.Text == config.Flows[i].Text);
            errors.Add(node, $"the same table, priority and match as '{config.Flows[identities[identity]].Text}': remove one");
        }
    }

    private void CheckListeners()
    {
        var tcp = root["grpc"]["tcp"];
        var tls = tcp["tls_certificate"];
        if ((tls.Text.Length == 0) != (tcp["tls_key"].Text.Length == 0))
            errors.Add(tls.Given ? tls : tcp["tls_key"], "tls_certificate and tls_key go together: give both or neither");
        if (tcp["client_ca"].Text.Length > 0 && tls.Text.Length == 0)
            errors.Add(tcp["client_ca"], "needs tls_certificate and tls_key: client certificates are part of TLS");
        CheckEndpoint(root["telemetry"]["prometheus"]["listen"]);
        var listen = tcp["listen"];
        if (!CheckEndpoint(listen)) return;
        var endpoint = Endpoint.Parse(listen.Text)!;
        if (!IPAddress.IsLoopback(endpoint.Address) && tcp["client_ca"].Text.Length == 0 && !tcp["allow_insecure"].Boolean)
            errors.Add(listen, $"{listen.Text} can be reached from other hosts without a client certificate: "
                + "listen on 127.0.0.1, give client_ca, or set allow_insecure: true");
    }

    private bool CheckEndpoint(ConfigNode node)
    {
        if (node.Text.Length == 0) return false;
        if (Endpoint.Parse(node.Text) is not null) return true;
        errors.Add(node, $"'{node.Text}' is not an IP address and a port from 1 to 65535");
        return false;
    }

    private void CheckRanges()
    {
        if (config.DataPlane.BackoffMinMs > config.DataPlane.BackoffMaxMs)
            errors.Add(root["dataplane"]["restart_backoff_min_ms"], "is above restart_backoff_max_ms");
        if (config.Limits.FlowsPerTable > config.Limits.Flows && root["limits"]["flows_per_table"].Given)
            errors.Add(root["limits"]["flows_per_table"], $"is above limits.flows ({config.Limits.Flows})");
        foreach (var name in (string[])["packet_in_ring", "packet_out_ring"])
        {
            var ring = root["limits"][name];
            if ((ring.Integer & (ring.Integer - 1)) != 0) errors.Add(ring, $"{ring.Integer} is not a power of two, as a ring's size must be");
        }

        var lcores = CpuList.Parse(config.Eal.Lcores);
        if (config.Eal.MainLcore >= 0 && lcores.Count > 0 && !lcores.Contains(config.Eal.MainLcore))
            errors.Add(root["eal"]["main_lcore"], $"{config.Eal.MainLcore} is not in eal.lcores ({config.Eal.Lcores})");
        if (config.Eal.IovaMode == "pa" && !config.Eal.Hugepages)
            errors.Add(root["eal"]["iova_mode"], "physical addresses need eal.hugepages: true");
    }

    private void CheckHost(HostInventory host)
    {
        foreach (var cpu in CpuList.Cpus(config.Eal.Lcores))
        {
            if (!host.HasCpu(cpu)) errors.Add(root["eal"]["lcores"], $"CPU {cpu} is not on line on this host");
        }

        foreach (var device in root["eal"]["pci_allow"].Items) CheckPci(host, device, device.Text);
        foreach (var vdev in root["eal"]["vdevs"].Items) CheckVdev(host, vdev);
        foreach (var port in root["ports"].Items)
        {
            var device = port["device"];
            if (device.Text.StartsWith("net_", StringComparison.Ordinal)) CheckVdev(host, device);
            else CheckPci(host, device, device.Text);
        }

        foreach (var name in (string[])["tls_certificate", "tls_key", "client_ca"])
        {
            var file = root["grpc"]["tcp"][name];
            if (file.Text.Length > 0 && !host.HasFile(file.Text)) errors.Add(file, $"no file {file.Text}");
        }

        if (!config.DataPlane.External && HostInventory.FindExecutable(config.DataPlane.Path) is null)
            errors.Add(root["dataplane"]["path"], $"no executable '{config.DataPlane.Path}' here, beside kernelbypassd or in PATH: "
                + "give its path, or set supervise: external");
    }

    private void CheckPci(HostInventory host, ConfigNode node, string address)
    {
        if (address.Length > 0 && !host.HasPciDevice(address))
            errors.Add(node, $"no PCI device {address} on this host: lspci -D lists them");
    }

    /// <summary>The kernel interface or file that a vdev opens must exist (DPDK's own message for it is hard to find).</summary>
    private void CheckVdev(HostInventory host, ConfigNode node)
    {
        var parts = node.Text.Split(',');
        var opensInterface = parts[0].StartsWith("net_af_", StringComparison.Ordinal) || parts[0].StartsWith("net_pcap", StringComparison.Ordinal);
        foreach (var part in parts.Skip(1))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0) continue;
            var (key, value) = (part[..equals], part[(equals + 1)..]);
            if (key is "iface" or "rx_iface" or "tx_iface" && opensInterface && !host.HasInterface(value))
                errors.Add(node, $"no network interface '{value}' on this host: ip link lists them");
            if (key == "rx_pcap" && !host.HasFile(value)) errors.Add(node, $"no file {value}");
        }
    }

    private void Unique<T>(IReadOnlyList<ConfigNode> items, Func<ConfigNode, ConfigNode> select, Func<ConfigNode, T> value, string what)
        where T : notnull
    {
        var seen = new Dictionary<T, ConfigNode>();
        foreach (var item in items)
        {
            var node = select(item);
            if (!node.Given || seen.TryAdd(value(node), item)) continue;
            errors.Add(node, $"duplicate {what} '{value(node)}': {seen[value(node)].Path} has it; choose another");
        }
    }
}

/// <summary>An address and a port.</summary>
internal static class Endpoint
{
    /// <summary>Parses <c>127.0.0.1:9464</c>, <c>[::1]:9464</c> or <c>localhost:9464</c>; null if it is none.</summary>
    internal static IPEndPoint? Parse(string text)
    {
        if (text.StartsWith("localhost:", StringComparison.Ordinal)) text = "127.0.0.1" + text["localhost".Length..];
        return IPEndPoint.TryParse(text, out var endpoint) && endpoint.Port != 0 ? endpoint : null;
    }
}
