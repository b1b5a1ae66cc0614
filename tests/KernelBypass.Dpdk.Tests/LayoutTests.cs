namespace KernelBypass.Dpdk.Tests;

public sealed class LayoutTests
{
    [Fact]
    public void The_shim_reports_what_this_assembly_has() => LayoutVerifier.Verify();

    [Fact]
    public void Every_difference_of_a_doctored_table_is_listed()
    {
        Dictionary<string, ulong> table = LayoutVerifier.Reported();
        table["rte_mbuf.pkt_len"] = 40;
        table["RTE_MBUF_F_TX_VLAN"] = 1;
        table.Remove("sizeof(rte_mbuf)");
        table["rte_mbuf.brand_new"] = 7;

        DpdkException refusal = Assert.Throws<DpdkException>(() => LayoutVerifier.Verify(table));

        Assert.Contains("disagree on 4 layout value(s)", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("rte_mbuf.pkt_len: 36 here, 40 in libkbdpdk", refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"RTE_MBUF_F_TX_VLAN: {1ul << 57} here, 1 in libkbdpdk", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("sizeof(rte_mbuf): 128 here, not known to libkbdpdk", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("rte_mbuf.brand_new: not known here, 7 in libkbdpdk", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_covers_every_mbuf_field_of_the_struct()
    {
        Dictionary<string, ulong> table = LayoutVerifier.Reported();
        foreach (System.Reflection.FieldInfo field in typeof(Native.RteMbuf).GetFields(
            System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Instance))
        {
            Assert.Contains($"rte_mbuf.{field.Name.Replace("hash_rss", "hash.rss")}", table.Keys);
        }
    }

    [Fact]
    public void The_library_is_looked_for_beside_the_program_then_where_the_variable_says_then_in_the_build()
    {
        string[] paths = [.. Native.Kb.CandidatePaths("/opt/a/bin", "/usr/lib/kb")];

        Assert.Equal(
            ["/opt/a/bin/libkbdpdk.so", "/usr/lib/kb/libkbdpdk.so", "/opt/a/bin/artifacts/native/libkbdpdk.so",
                "/opt/a/artifacts/native/libkbdpdk.so", "/opt/artifacts/native/libkbdpdk.so", "/artifacts/native/libkbdpdk.so"],
            paths);
    }
}
