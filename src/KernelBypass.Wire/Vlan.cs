namespace KernelBypass.Wire;

/// <summary>
/// A tag control information field with the type that announced it (IEEE 802.1Q 9.6).
/// <code>
///  TPID (16)          | PCP (3) | DEI (1) | VID (12)
///  0x8100 88A8 9100   |
/// </code>
/// </summary>
/// <param name="Tpid">Tag protocol identifier: 0x8100, 0x88A8 or 0x9100.</param>
/// <param name="Tci">Tag control information.</param>
public readonly record struct VlanTag(ushort Tpid, ushort Tci)
{
    /// <summary>Bytes that one tag adds to a frame.</summary>
    public const int Size = 4;

    /// <summary>Greatest VLAN id that may be used; 0xFFF is reserved.</summary>
    public const ushort MaxId = 4094;

    /// <summary>A tag of its parts; bits beyond each field's width are dropped.</summary>
    public VlanTag(ushort tpid, int id, int priority, bool dropEligible)
        : this(tpid, (ushort)((id & 0xFFF) | (dropEligible ? 0x1000 : 0) | ((priority & 7) << 13)))
    {
    }

    /// <summary>VLAN id, 0 to 4095; 0 is a priority tag.</summary>
    public ushort Id => (ushort)(Tci & 0xFFF);

    /// <summary>Priority code point, 0 to 7.</summary>
    public byte Priority => (byte)(Tci >> 13);

    /// <summary>Drop eligible indicator.</summary>
    public bool DropEligible => (Tci & 0x1000) != 0;
}

/// <summary>
/// The tags between the Ethernet addresses and the payload's own type. On the wire the type field before each tag is its TPID:
/// <code>
///  12      14      16      18      20      22
///  +-------+-------+-------+-------+-------+---------
///  | TPID  |  TCI  | TPID  |  TCI  | type  | payload       (two tags)
///  +-------+-------+-------+-------+-------+---------
/// </code>
/// </summary>
public readonly struct VlanStack
{
    /// <summary>Most tags that are walked; a frame with more is malformed.</summary>
    public const int MaxTags = 4;

    private readonly ulong _tcis;
    private readonly ulong _tpids;

    private VlanStack(int count, ulong tcis, ulong tpids, ushort etherType)
    {
        Count = count;
        _tcis = tcis;
        _tpids = tpids;
        EtherType = etherType;
    }

    /// <summary>Number of tags, 0 to <see cref="MaxTags"/>.</summary>
    public int Count { get; }

    /// <summary>Type of what follows the last tag.</summary>
    public ushort EtherType { get; }

    /// <summary>Offset of the payload from the start of the frame, in bytes.</summary>
    public int PayloadOffset => EthernetView.HeaderLength + (Count * VlanTag.Size);

    /// <summary>A tag; 0 is the outermost. Throws <see cref="ArgumentOutOfRangeException"/> past <see cref="Count"/>.</summary>
    public VlanTag this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count);
            return new VlanTag((ushort)(_tpids >> (16 * index)), (ushort)(_tcis >> (16 * index)));
        }
    }

    /// <summary>
    /// Walks the tags of a whole frame. Errors: <see cref="ParseError.TruncatedEthernet"/>,
    /// <see cref="ParseError.TruncatedVlan"/>, <see cref="ParseError.TooManyVlans"/>.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> frame, out VlanStack stack, out ParseError error)
    {
        stack = default;
        if (!EthernetView.TryParse(frame, out EthernetView ethernet, out error))
            return false;
        ushort type = ethernet.EtherType;
        int count = 0;
        ulong tcis = 0, tpids = 0;
        for (int offset = EthernetView.HeaderLength; EtherTypes.IsVlan(type); offset += VlanTag.Size, count++)
        {
            error = count == MaxTags ? ParseError.TooManyVlans
                : frame.Length - offset < VlanTag.Size ? ParseError.TruncatedVlan
                : ParseError.None;
            if (error != ParseError.None)
                return false;
            tpids |= (ulong)type << (16 * count);
            tcis |= (ulong)BigEndian.U16(frame, offset) << (16 * count);
            type = BigEndian.U16(frame, offset + 2);
        }
        stack = new VlanStack(count, tcis, tpids, type);
        return true;
    }
}
