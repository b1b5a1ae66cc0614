using FsCheck;
using FsCheck.Fluent;
using KernelBypass.Model.Flows;

namespace KernelBypass.Model.Tests.Flows;

public class FlowCodecTests
{
    [Fact]
    public void What_is_encoded_is_decoded_and_encodes_to_the_same_bytes()
    {
        Prop.ForAll<int>(seed =>
        {
            var spec = new SpecGenerator(new Random(seed)).Next();
            var bytes = spec.Encode();
            FlowKey key = default, mask = default;
            Assert.Equal(FlowErrorCode.None, FlowSpecDecoder.TryDecode(bytes, FlowLimits.Default, out var head, ref key,
                ref mask).Code);
            var decoded = FlowSpec.Decode(bytes);
            Assert.Equal(bytes, decoded.Encode());
            Assert.Equal(bytes.Length, head.TotalBytes);
            Assert.Equal((spec.TableId, spec.Priority, spec.Cookie, spec.GotoTable, spec.Flags),
                (decoded.TableId, decoded.Priority, decoded.Cookie, decoded.GotoTable, decoded.Flags));
            Assert.Equal(spec.Match.Select(item => item.Field), decoded.Match.Select(item => item.Field));
            for (var i = 0; i < FlowKeyLayout.Words; i++) Assert.Equal(0ul, key[i] & ~mask[i]);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    [Fact]
    public void Each_field_is_read_back_from_its_place_in_the_key()
    {
        var generator = new SpecGenerator(new Random(1));
        Assert.All(MatchFieldCatalogue.All, field =>
        {
            for (var round = 0; round < 20; round++)
            {
                FlowKey key = default, mask = default;
                var value = generator.Value(field);
                FieldBits.Or(key.Bytes, field, value);
                FieldBits.OrOnes(mask.Bytes, field);
                var back = new byte[field.ValueBytes];
                FieldBits.Read(key.Bytes, field, back);
                Assert.Equal(value, back);
                for (var i = 0; i < FlowKeyLayout.Words; i++) Assert.Equal(0ul, key[i] & ~mask[i]);
            }
        });
    }

    [Fact]
    public void Fields_that_one_match_may_hold_do_not_share_bits()
    {
        foreach (var left in MatchFieldCatalogue.All)
        {
            foreach (var right in MatchFieldCatalogue.All)
            {
                if (left.Id >= right.Id || Exclusive(left, right)) continue;
                FlowKey first = default, second = default;
                FieldBits.OrOnes(first.Bytes, left);
                FieldBits.OrOnes(second.Bytes, right);
                for (var i = 0; i < FlowKeyLayout.Words; i++)
                    Assert.True((first[i] & second[i]) == 0, $"{left.Name} and {right.Name} share bits of the key");
            }
        }
    }

    [Fact]
    public void Hostile_bytes_are_refused_or_accepted_but_never_throw()
    {
        Prop.ForAll<int>(seed =>
        {
            var random = new Random(seed);
            var bytes = random.Next(3) == 0 ? RandomBytes(random) : new SpecGenerator(random).Next().Encode();
            for (var i = random.Next(5); i > 0 && bytes.Length > 0; i--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var cut = random.Next(2) == 0 ? bytes : bytes[..random.Next(bytes.Length + 1)];
            FlowKey key = default, mask = default;
            var error = FlowSpecDecoder.TryDecode(cut, FlowLimits.Default, out _, ref key, ref mask);
            Assert.NotEqual("", error.Describe());
            if (error.IsOk) Assert.Equal(cut.Length, FlowSpec.Decode(cut).Encode().Length);
            else Assert.NotEqual(FlowErrorCode.None, error.Code);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    [Fact]
    public void Decoding_allocates_nothing()
    {
        var generator = new SpecGenerator(new Random(9));
        var specs = Enumerable.Range(0, 50).Select(_ => generator.Next().Encode()).ToArray();
        DecodeAll(specs);
        DecodeAll(specs);
        var before = GC.GetAllocatedBytesForCurrentThread();
        DecodeAll(specs);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static void DecodeAll(byte[][] specs)
    {
        FlowKey key = default, mask = default;
        foreach (var spec in specs) FlowSpecDecoder.TryDecode(spec, FlowLimits.Default, out _, ref key, ref mask);
    }

    private static byte[] RandomBytes(Random random)
    {
        var bytes = new byte[random.Next(200)];
        random.NextBytes(bytes);
        if (bytes.Length > 0) bytes[0] = FlowSpecHeader.CurrentVersion;
        return bytes;
    }

    /// <summary>Whether no packet is of both kinds: every pair of alternatives differs in EtherType, protocol or ICMP
    /// type.</summary>
    private static bool Exclusive(MatchFieldDeclaration left, MatchFieldDeclaration right) =>
        left.Prerequisites.Length > 0 && right.Prerequisites.Length > 0
        && left.Prerequisites.All(a => right.Prerequisites.All(b => a.EthType != b.EthType
            || (a.IpProto >= 0 && b.IpProto >= 0 && a.IpProto != b.IpProto)
            || (a.IcmpTypes is { } x && b.IcmpTypes is { } y && !x.Intersect(y).Any())));
}
