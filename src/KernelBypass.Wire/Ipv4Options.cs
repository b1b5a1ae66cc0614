namespace KernelBypass.Wire;

/// <summary>IPv4 option types (IANA ip-parameters), copied bit and class included.</summary>
public static class Ipv4OptionTypes
{
    /// <summary>End of the option list.</summary>
    public const byte End = 0;

    /// <summary>No operation: one byte of padding.</summary>
    public const byte NoOperation = 1;

    /// <summary>Record route.</summary>
    public const byte RecordRoute = 7;

    /// <summary>Timestamp.</summary>
    public const byte Timestamp = 68;

    /// <summary>Loose source route.</summary>
    public const byte LooseSourceRoute = 131;

    /// <summary>Strict source route.</summary>
    public const byte StrictSourceRoute = 137;

    /// <summary>Router alert (RFC 2113).</summary>
    public const byte RouterAlert = 148;
}

/// <summary>Walks the options of an IPv4 header (RFC 791 3.1): type, length including both bytes, data.</summary>
public ref struct Ipv4OptionIterator
{
    private ReadOnlySpan<byte> _rest;

    /// <summary>Starts at the first option byte.</summary>
    public Ipv4OptionIterator(ReadOnlySpan<byte> options) => _rest = options;

    /// <summary>The current option's type.</summary>
    public byte Type { get; private set; }

    /// <summary>The current option's bytes after type and length.</summary>
    public ReadOnlySpan<byte> Data { get; private set; }

    /// <summary><see cref="ParseError.BadIpv4Option"/> when the walk stopped at a malformed option.</summary>
    public ParseError Error { get; private set; }

    /// <summary>Steps to the next option other than padding; false at the end of the list or at an error.</summary>
    public bool MoveNext()
    {
        while (!_rest.IsEmpty && _rest[0] == Ipv4OptionTypes.NoOperation)
            _rest = _rest[1..];
        if (_rest.IsEmpty || _rest[0] == Ipv4OptionTypes.End)
            return false;
        if (_rest.Length < 2 || _rest[1] < 2 || _rest[1] > _rest.Length)
        {
            Error = ParseError.BadIpv4Option;
            _rest = default;
            return false;
        }
        Type = _rest[0];
        Data = _rest[2.._rest[1]];
        _rest = _rest[_rest[1]..];
        return true;
    }
}
