namespace KernelBypass.Model.Flows;

/// <summary>Places a field's value or mask in a key's bytes.</summary>
public static class FieldBits
{
    /// <summary>Whether a value of <see cref="MatchFieldDeclaration.ValueBytes"/> bytes has no bit beyond the field's width.</summary>
    public static bool Fits(MatchFieldDeclaration field, ReadOnlySpan<byte> value)
    {
        var spare = field.ValueBytes * 8 - field.Bits;
        return value.Length == field.ValueBytes && (spare == 0 || value[0] >> (8 - spare) == 0);
    }

    /// <summary>Whether a mask covers the field's whole width.</summary>
    public static bool IsAllOnes(MatchFieldDeclaration field, ReadOnlySpan<byte> mask)
    {
        var spare = field.ValueBytes * 8 - field.Bits;
        return mask[0] == (byte)(0xff >> spare) && mask[1..].IndexOfAnyExcept((byte)0xff) < 0;
    }

    /// <summary>Ors a value, shifted to its place, into a key or mask.</summary>
    public static void Or(Span<byte> key, MatchFieldDeclaration field, ReadOnlySpan<byte> value)
    {
        var place = key.Slice(field.Offset, field.KeyBytes);
        if (field.Shift == 0)
        {
            // A value narrower than its place (the 20-bit flow label) is right-aligned in it.
            var start = field.KeyBytes - value.Length;
            for (var i = 0; i < value.Length; i++) place[start + i] |= value[i];
            return;
        }

        // Shifted fields are at most 8 bits wide and stand in the first byte of their place.
        place[0] |= (byte)(value[0] << (field.Shift - 8 * (field.KeyBytes - 1)));
    }

    /// <summary>Ors an exact mask into a mask.</summary>
    public static void OrOnes(Span<byte> mask, MatchFieldDeclaration field)
    {
        Span<byte> ones = stackalloc byte[16];
        ones = ones[..field.ValueBytes];
        ones.Fill(0xff);
        ones[0] = (byte)(0xff >> (field.ValueBytes * 8 - field.Bits));
        Or(mask, field, ones);
    }

    /// <summary>Reads a field's value (or mask) back from a key's bytes into <paramref name="value"/>.</summary>
    public static void Read(ReadOnlySpan<byte> key, MatchFieldDeclaration field, Span<byte> value)
    {
        var place = key.Slice(field.Offset, field.KeyBytes);
        if (field.Shift != 0)
        {
            value[0] = (byte)((place[0] >> (field.Shift - 8 * (field.KeyBytes - 1))) & ((1 << field.Bits) - 1));
            return;
        }

        place[(field.KeyBytes - field.ValueBytes)..].CopyTo(value);
        value[0] &= (byte)(0xff >> (field.ValueBytes * 8 - field.Bits));
    }
}
