using System.Runtime.InteropServices;
using Key = KernelBypass.Model.Flows.FlowKeyLayout;

namespace KernelBypass.Model.Flows;

/// <summary>
/// Reads and checks an encoded flow. Runs on both sides: in the control plane for early, worded errors, and in the data plane,
/// which trusts nothing that it reads from shared memory. Allocates nothing and never throws.
/// </summary>
public static class FlowSpecDecoder
{
    /// <summary>Reads head and match, and checks everything about the flow that does not depend on the switch's state.</summary>
    /// <param name="spec">The encoded flow, exactly.</param>
    /// <param name="limits">What it is checked against.</param>
    /// <param name="head">The fixed head.</param>
    /// <param name="key">The match's values; zero outside the mask.</param>
    /// <param name="mask">The match's mask.</param>
    public static FlowSpecError TryDecode(
        ReadOnlySpan<byte> spec, in FlowLimits limits, out FlowSpecHeader head, ref FlowKey key, ref FlowKey mask)
    {
        if (!TryReadHeader(spec, out head)) return new(FlowErrorCode.Truncated);
        if (head.Version != FlowSpecHeader.CurrentVersion) return new(FlowErrorCode.BadVersion);
        if (spec.Length != head.TotalBytes) return new(FlowErrorCode.Truncated);
        if (head.TableId >= limits.Tables) return new(FlowErrorCode.BadTable);
        if (head.GotoTable != FlowSpecHeader.NoGoto && (head.GotoTable <= head.TableId || head.GotoTable >= limits.Tables))
            return new(FlowErrorCode.GotoNotForward);
        if (head.MetadataMask != 0 && head.GotoTable == FlowSpecHeader.NoGoto) return new(FlowErrorCode.MetadataOnLastTable);

        var error = DecodeMatch(Match(spec, head), ref key, ref mask);
        return error.IsOk ? ActionValidator.Check(Apply(spec, head), Write(spec, head), key, mask, limits) : error;
    }

    /// <summary>Reads the head alone.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> spec, out FlowSpecHeader head)
    {
        head = default;
        return spec.Length >= FlowSpecHeader.Size && MemoryMarshal.TryRead(spec, out head);
    }

    /// <summary>The match section.</summary>
    public static ReadOnlySpan<byte> Match(ReadOnlySpan<byte> spec, in FlowSpecHeader head) =>
        spec.Slice(FlowSpecHeader.Size, head.MatchBytes);

    /// <summary>The apply-actions section, for <see cref="ActionReader"/>.</summary>
    public static ReadOnlySpan<byte> Apply(ReadOnlySpan<byte> spec, in FlowSpecHeader head) =>
        spec.Slice(FlowSpecHeader.Size + head.MatchBytes, head.ApplyBytes);

    /// <summary>The write-actions section, for <see cref="ActionReader"/>.</summary>
    public static ReadOnlySpan<byte> Write(ReadOnlySpan<byte> spec, in FlowSpecHeader head) =>
        spec.Slice(FlowSpecHeader.Size + head.MatchBytes + head.ApplyBytes, head.WriteBytes);

    /// <summary>Reads match items into a key and a mask, and checks widths, masks and prerequisites.</summary>
    public static FlowSpecError DecodeMatch(ReadOnlySpan<byte> items, ref FlowKey key, ref FlowKey mask)
    {
        ((Span<ulong>)key).Clear();
        ((Span<ulong>)mask).Clear();
        UInt128 seen = 0;
        var rest = items;
        while (!rest.IsEmpty)
        {
            var error = DecodeItem(ref rest, ref seen, ref key, ref mask);
            if (!error.IsOk) return error;
        }

        rest = items;
        while (!rest.IsEmpty)
        {
            var field = MatchFieldCatalogue.Find((MatchField)rest[0])!;
            if (!HoldsPrerequisite(field, key, mask)) return new(FlowErrorCode.MissingPrerequisite, field.Id);
            rest = rest[(2 + field.ValueBytes * (1 + rest[1]))..];
        }

        return FlowSpecError.Ok;
    }

    private static FlowSpecError DecodeItem(ref ReadOnlySpan<byte> rest, ref UInt128 seen, ref FlowKey key, ref FlowKey mask)
    {
        var field = MatchFieldCatalogue.Find((MatchField)rest[0]);
        if (field is null) return new(FlowErrorCode.BadField, (MatchField)rest[0]);
        if (rest.Length < 2 || rest[1] > 1) return new(FlowErrorCode.Truncated, field.Id);
        var width = field.ValueBytes;
        var bytes = 2 + width * (1 + rest[1]);
        if (rest.Length < bytes) return new(FlowErrorCode.Truncated, field.Id);
        var bit = UInt128.One << (int)field.Id;
        if ((seen & bit) != 0) return new(FlowErrorCode.DuplicateField, field.Id);
        seen |= bit;

        var value = rest.Slice(2, width);
        var valueMask = rest[1] == 1 ? rest.Slice(2 + width, width) : default;
        rest = rest[bytes..];
        if (!FieldBits.Fits(field, value)) return new(FlowErrorCode.BadValue, field.Id);
        if (valueMask.IsEmpty)
        {
            FieldBits.Or(key.Bytes, field, value);
            FieldBits.OrOnes(mask.Bytes, field);
            return FlowSpecError.Ok;
        }

        if (!FieldBits.Fits(field, valueMask) || valueMask.IndexOfAnyExcept((byte)0) < 0) return new(FlowErrorCode.BadMask, field.Id);
        if (!field.Maskable && !FieldBits.IsAllOnes(field, valueMask)) return new(FlowErrorCode.MaskNotAllowed, field.Id);
        for (var i = 0; i < width; i++)
            if ((value[i] & ~valueMask[i]) != 0) return new(FlowErrorCode.ValueOutsideMask, field.Id);
        FieldBits.Or(key.Bytes, field, value);
        FieldBits.Or(mask.Bytes, field, valueMask);
        return FlowSpecError.Ok;
    }

    /// <summary>Whether the match fixes what a field needs (OpenFlow 1.3.5, 7.2.3.6).</summary>
    internal static bool HoldsPrerequisite(MatchFieldDeclaration field, in FlowKey key, in FlowKey mask)
    {
        if (field.Id == MatchField.VlanPcp) return HasTag(key, mask, Key.VlanTci);
        if (field.Id == MatchField.InnerVlanPcp) return HasTag(key, mask, Key.InnerVlanTci);
        if (field.Prerequisites.Length == 0) return true;
        foreach (var alternative in field.Prerequisites)
            if (Holds(alternative, key, mask)) return true;
        return false;
    }

    /// <summary>Whether the match requires a tag at a TCI's place in the key.</summary>
    internal static bool HasTag(in FlowKey key, in FlowKey mask, int offset)
    {
        const byte Present = Key.VlanPresent >> 8;
        return (Byte(mask, offset) & Present) != 0 && (Byte(key, offset) & Present) != 0;
    }

    private static bool Holds(Prerequisite need, in FlowKey key, in FlowKey mask)
    {
        if (Half(mask, Key.EthType) != 0xffff || Half(key, Key.EthType) != need.EthType) return false;
        if (need.IpProto < 0) return true;
        if (Byte(mask, Key.IpProto) != 0xff || Byte(key, Key.IpProto) != need.IpProto) return false;
        return need.IcmpTypes is not { } types
            || (Byte(mask, Key.L4Src + 1) == 0xff && types.AsSpan().Contains(Byte(key, Key.L4Src + 1)));
    }

    private static byte Byte(in FlowKey key, int offset) => MemoryMarshal.AsBytes((ReadOnlySpan<ulong>)key)[offset];

    private static int Half(in FlowKey key, int offset) => (Byte(key, offset) << 8) | Byte(key, offset + 1);
}
