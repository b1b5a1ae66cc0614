using FsCheck;
using FsCheck.Fluent;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Tests.Parse;

/// <summary>For any bytes, the parser says what the reference says.</summary>
public class ParserPropertyTests
{
    [Fact]
    public void Every_sample_is_well_formed_and_parsed_like_the_reference()
    {
        foreach (var frame in FrameSamples.All)
        {
            Assert.Equal(ParserVerdict.Ok, ParseRig.Parse(frame).Verdict);
            Assert.Null(Difference(frame));
        }
    }

    [Fact]
    public void Mutants_are_parsed_like_the_reference()
    {
        for (var seed = 0; seed < 60_000; seed++)
        {
            var difference = Difference(FrameSamples.Mutant(seed));
            Assert.True(difference is null, $"seed {seed}: {difference}");
        }
    }

    [Fact]
    public void Any_bytes_are_parsed_like_the_reference() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(2000),
            Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes => Difference(bytes) is null));

    [Fact]
    public void Every_drop_reason_is_reached()
    {
        var seen = new HashSet<ParserVerdict>();
        for (var seed = 0; seed < 60_000; seed++) seen.Add(ParseRig.Parse(FrameSamples.Mutant(seed)).Verdict);

        // These have tests of their own, here or in ParseStageTests.
        ParserVerdict[] elsewhere =
        [
            ParserVerdict.Ipv4BadChecksum, ParserVerdict.L4BadChecksum, ParserVerdict.HeadersSplit, ParserVerdict.VlanNoHeadroom,
            ParserVerdict.Ipv6TooManyExtensions, ParserVerdict.VlanTooManyTags,
        ];
        Assert.Empty(Enum.GetValues<ParserVerdict>().Except(elsewhere).Except(seen));
    }

    [Fact]
    public void Too_many_tags()
    {
        var frame = KernelBypass.Wire.FrameBuilder.Ethernet("02:00:00:00:00:02", "02:00:00:00:00:01").Ipv6("::1", "::2");
        for (var i = 0; i < 5; i++) frame.Vlan(i);
        Assert.Equal(ParserVerdict.VlanTooManyTags, ParseRig.Parse(frame.Udp(1, 2).Build()).Verdict);
    }

    [Fact]
    public void Too_many_extension_headers()
    {
        var frame = KernelBypass.Wire.FrameBuilder.Ethernet("02:00:00:00:00:02", "02:00:00:00:00:01").Ipv6("::1", "::2");
        for (var i = 0; i < 9; i++) frame.Ipv6Extension(60, [0, 0, 0, 0, 0, 0]);
        Assert.Equal(ParserVerdict.Ipv6TooManyExtensions, ParseRig.Parse(frame.Udp(1, 2).Build()).Verdict);
    }

    [Fact]
    public void Both_directions_of_a_connection_have_one_hash_and_other_connections_mostly_another()
    {
        var hashes = new HashSet<uint>();
        for (var i = 0; i < 2000; i++)
        {
            var frame = KernelBypass.Wire.FrameBuilder.Ethernet("02:00:00:00:00:02", "02:00:00:00:00:01");
            var (port, host) = ((ushort)(i % 50 + 1), $"10.0.0.{i / 50 + 2}");
            var there = ParseRig.Parse(frame.Ipv4("10.0.0.1", host).Tcp(port, 80).Build()).Meta.Hash;
            var back = ParseRig.Parse(frame.Ipv4(host, "10.0.0.1").Tcp(80, port).Build()).Meta.Hash;
            Assert.Equal(there, back);
            hashes.Add(there);
            var six = ParseRig.Parse(frame.Ipv6("2001:db8::1", $"2001:db8::{i:x}").Udp(port, 80).Build()).Meta.Hash;
            Assert.Equal(six, ParseRig.Parse(frame.Ipv6($"2001:db8::{i:x}", "2001:db8::1").Udp(80, port).Build()).Meta.Hash);
        }

        Assert.True(hashes.Count > 1990, $"only {hashes.Count} of 2000 hashes differ");
    }

    private static string? Difference(byte[] frame)
    {
        var (verdict, meta) = ParseRig.Parse(frame);
        var reference = ReferenceParser.Parse(frame);
        if ((verdict == ParserVerdict.Ok) != (reference is not null))
            return $"parser: {verdict}, reference: {(reference is null ? "malformed" : "well-formed")}: {Convert.ToHexString(frame)}";
        if (reference is null) return null;
        var key = Convert.ToHexString(meta.Key.Bytes);
        var expected = Convert.ToHexString(reference.Key);
        if (key != expected) return $"key {key}, reference {expected}: {Convert.ToHexString(frame)}";
        var facts = ((int)meta.L3Offset, (int)meta.L4Offset, (int)meta.VlanTags, meta.Kinds);
        var other = (reference.L3Offset, reference.L4Offset, reference.Tags, reference.Kinds);
        return facts == other ? null
            : $"{facts}, reference {other}: {Convert.ToHexString(frame)}";
    }
}
