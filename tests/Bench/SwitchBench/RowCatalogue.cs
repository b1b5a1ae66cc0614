using KernelBypass.SwitchBench.Duts;
using KernelBypass.SwitchBench.Measure;
using KernelBypass.SwitchBench.Traffic;
using static KernelBypass.SwitchBench.Traffic.TrafficKind;

namespace KernelBypass.SwitchBench;

/// <summary>Every row of the comparison.</summary>
internal static class RowCatalogue
{
    private const string PassThrough = "pipeline:\n  stages:\n    - name: rx\n      kind: rx\n    - name: wire\n      kind: wire\n"
        + "      options:\n        forward_to: 2\n    - name: tx\n      kind: tx\n";

    internal static IReadOnlyList<Row> All { get; } =
    [
        .. new[] { 64, 10_000, 100_000, 1_000_000 }.Select(flows => Wire($"pass-through-{flows}", new(Udp, flows), $"{flows:N0} flows, 64 bytes")),
        Wire("pass-through-imix", new(Udp, 10_000, Imix: true), "10,000 flows, IMIX"),
        InPort("in-port-1", new(Udp, 1), "1 flow of traffic"),
        InPort("in-port-10000", new(Udp, 10_000), "10,000 flows of traffic"),
        InPort("in-port-100000", new(Udp, 100_000), "100,000 flows of traffic"),
        InPort("in-port-imix", new(Udp, 10_000, Imix: true), "10,000 flows of traffic, IMIX"),
        Exact(1_000, 0, 4),
        Exact(10_000, 8, 6),
        Exact(100_000, 20, 15),
        new("exact-1000000", "1,000,000 exact 5-tuple flows", 0, () => new(new(Udp, 1_000_000), Ours(1_000_000)), null),
        new("rewrite-10000", "10,000 exact 5-tuple flows, MAC and TTL rewrite", 0,
            () => new(new(Udp, 10_000), rig => rig.Lines("ours-rewrite", () => Enumerable.Range(0, 10_000).Select(i => FiveTuple.OurRule(i, true)))), null),
        Acl(1_000, 2, 5),
        Acl(10_000, 10, 6),
        Acl(100_000, 20, 15),
        new("install-100000", "installing 100,000 flows over gRPC, beside ovs-ofctl add-flows", 4, null!, null) { Special = InstallRow.RunAsync },
        new("split-two-lcores", "rx and parse on one lcore, the rest on another", 0, null!, null) { Special = SplitRow.RunAsync },
        new("gap-under-churn", "longest gap while 10,000 flows/s are written and all is scraped each second", 0, null!, null) { Special = GapRow.RunAsync },
        Normal(),
    ];

    internal static Func<Rig, string> Ours(int flows) => rig => rig.Lines($"ours-{flows}", () => Enumerable.Range(0, flows).Select(i => FiveTuple.OurRule(i)));

    internal static Func<Rig, string> Ovs(int flows) => rig => rig.Lines($"ovs-{flows}", () => Enumerable.Range(0, flows).Select(FiveTuple.OvsRule));

    private static Row Wire(string name, TrafficShape shape, string text) => new(
        name, $"pass-through, {text}, beside testpmd io", 0.9, () => new(shape, pipeline: PassThrough), () => new TestpmdDut(shape));

    private static Row InPort(string name, TrafficShape shape, string text) => new(
        name, $"one in_port rule, {text}", 1.5,
        () => new(shape, rig => rig.Lines("ours-inport", () => ["in_port=1 actions=output:2"])),
        () => new OvsDut(shape, rig => rig.Lines("ovs-inport", () => ["in_port=1,actions=output:2"]), warmSeconds: 2));

    private static Row Exact(int flows, double required, double warm) => new(
        $"exact-{flows}", $"{flows:N0} exact 5-tuple flows", required, () => new(new(Udp, flows), Ours(flows)), () => new OvsDut(new(Udp, flows), Ovs(flows), warm));

    private static Row Acl(int flows, double required, double warm) => new(
        $"acl-1000-{flows}", $"1,000 prefix/port wildcard rules, {flows:N0} flows of traffic", required,
        () => new(new(TrafficKind.Acl, flows), rig => rig.Lines("ours-acl", AclRules.ForUs)),
        () => new OvsDut(new(TrafficKind.Acl, flows), rig => rig.Lines("ovs-acl", AclRules.ForOvs), warm));

    private static Row Normal() => new(
        "normal-10000", "L2 learning, 10,000 MACs", 6,
        () => new(new(Macs, 10_000), rig => rig.Lines("ours-normal", () => ["priority=0 actions=normal"]), prepare: LearnRow.TeachAsync),
        () => new OvsDut(new(Macs, 10_000), rig => rig.Lines("ovs-normal", () => ["actions=NORMAL"]), warmSeconds: 6, normalMacs: 10_000));
}
