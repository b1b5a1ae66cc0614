using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using KernelBypass.Model.Flows;

namespace KernelBypass.Daemon.Flows;

/// <summary>Flows as people write them: <c>table=0, priority=10, tcp, ipv4_dst=10.0.0.0/8, actions=dec_ttl,output:2</c>.</summary>
internal static class FlowText
{
    private static readonly Dictionary<string, (ushort EthType, int IpProto)> s_protocols = new()
    {
        ["ip"] = (0x0800, -1), ["ipv6"] = (0x86DD, -1), ["arp"] = (0x0806, -1),
        ["tcp"] = (0x0800, 6), ["udp"] = (0x0800, 17), ["icmp"] = (0x0800, 1),
        ["tcp6"] = (0x86DD, 6), ["udp6"] = (0x86DD, 17), ["icmp6"] = (0x86DD, 58),
    };

    private static readonly string[] s_heads =
        ["table", "priority", "cookie", "idle_timeout_s", "hard_timeout_s", "send_flow_removed", "check_overlap", "reset_counts", "actions"];

    /// <summary>Parses and checks a flow.</summary>
    /// <param name="text">The flow.</param>
    /// <param name="limits">What it is checked against.</param>
    /// <param name="spec">The encoded flow; empty when false is answered.</param>
    /// <param name="error">What is wrong, where, and the remedy.</param>
    internal static bool TryParse(string text, in FlowLimits limits, out byte[] spec, out string error)
    {
        spec = [];
        var draft = new Draft();
        var split = text.IndexOf("actions=", StringComparison.Ordinal);
        if (split < 0)
        {
            error = "has no 'actions=': write actions=drop to drop";
            return false;
        }

        foreach (var part in text[..split].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TryPart(part, draft, out error)) return false;
        }

        if (!FlowTextActions.TryParse(text[(split + "actions=".Length)..], draft, out error)) return false;
        spec = draft.Build();
        FlowKey key = default, mask = default;
        var fault = FlowSpecDecoder.TryDecode(spec, limits, out _, ref key, ref mask);
        error = fault.IsOk ? "" : fault.Describe();
        if (!fault.IsOk) spec = [];
        return fault.IsOk;
    }

    /// <summary>What has been read so far.</summary>
    internal sealed class Draft
    {
        internal byte Table;
        internal ushort Priority = 32768;
        internal ulong Cookie;
        internal uint IdleTimeout;
        internal uint HardTimeout;
        internal FlowFlags Flags;
        internal ulong MetadataValue;
        internal ulong MetadataMask;
        internal byte? Goto;
        internal bool Clear;
        internal List<MatchItem> Match { get; } = [];
        internal List<FlowAction> Apply { get; } = [];
        internal List<FlowAction> Write { get; } = [];

        internal byte[] Build() => new FlowSpec
        {
            TableId = Table,
            Priority = Priority,
            Cookie = Cookie,
            IdleTimeoutSeconds = IdleTimeout,
            HardTimeoutSeconds = HardTimeout,
            Flags = Flags,
            MetadataValue = MetadataValue,
            MetadataMask = MetadataMask,
            GotoTable = Goto,
            ClearActions = Clear,
            Match = Match,
            ApplyActions = Apply,
            WriteActions = Write,
        }.Encode();
    }

    private static bool TryPart(string part, Draft draft, out string error)
    {
        error = "";
        if (s_protocols.TryGetValue(part, out var protocol))
        {
            draft.Match.Add(new(MatchField.EthType, [(byte)(protocol.EthType >> 8), (byte)protocol.EthType]));
            if (protocol.IpProto >= 0) draft.Match.Add(new(MatchField.IpProto, [(byte)protocol.IpProto]));
            return true;
        }

        var equals = part.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? part : part[..equals].Trim();
        var value = equals < 0 ? "" : part[(equals + 1)..].Trim();
        switch (name)
        {
            case "table": return TryNumber(name, value, byte.MaxValue, out var table, out error) && Do(() => draft.Table = (byte)table);
            case "priority": return TryNumber(name, value, ushort.MaxValue, out var priority, out error) && Do(() => draft.Priority = (ushort)priority);
            case "cookie": return TryNumber(name, value, ulong.MaxValue, out draft.Cookie, out error);
            case "idle_timeout_s": return TryNumber(name, value, uint.MaxValue, out var idle, out error) && Do(() => draft.IdleTimeout = (uint)idle);
            case "hard_timeout_s": return TryNumber(name, value, uint.MaxValue, out var hard, out error) && Do(() => draft.HardTimeout = (uint)hard);
            case "send_flow_removed": return Do(() => draft.Flags |= FlowFlags.SendFlowRemoved);
            case "check_overlap": return Do(() => draft.Flags |= FlowFlags.CheckOverlap);
            case "reset_counts": return Do(() => draft.Flags |= FlowFlags.ResetCounts);
        }

        var field = MatchFieldCatalogue.Find(name);
        if (field is null)
        {
            var names = s_heads.Concat(s_protocols.Keys).Concat(MatchFieldCatalogue.All.Select(known => known.Name));
            var nearest = Configuration.NearestName.Find(name, names);
            error = $"no field '{name}'{(nearest is null ? "" : $": did you mean '{nearest}'?")}";
            return false;
        }

        if (!TryMatch(field, value, out var item, out error)) return false;
        if (item is not null) draft.Match.Add(item);
        return true;
    }

    private static bool Do(Action action)
    {
        action();
        return true;
    }

    /// <summary>Parses <c>value</c> or <c>value/mask</c>; a mask of zeros matches anything and gives no item.</summary>
    private static bool TryMatch(MatchFieldDeclaration field, string text, out MatchItem? item, out string error)
    {
        item = null;
        if (field.Format == FieldFormat.Fragment && text is "any" or "not_later")
        {
            item = text == "any" ? new(field.Id, [1], [1]) : new(field.Id, [0], [2]);
            error = "";
            return true;
        }

        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (!TryValue(field, slash < 0 ? text : text[..slash], out var value, out error)) return false;
        byte[]? mask = null;
        if (slash >= 0 && !TryMask(field, text[(slash + 1)..], out mask, out error)) return false;
        if (mask is not null)
        {
            for (var i = 0; i < value.Length; i++) value[i] &= mask[i];
            if (FieldBits.IsAllOnes(field, mask)) mask = null;
            else if (mask.AsSpan().IndexOfAnyExcept((byte)0) < 0) return true;
        }

        item = new(field.Id, value, mask);
        return true;
    }

    private static bool TryMask(MatchFieldDeclaration field, string text, out byte[] mask, out string error)
    {
        var isAddress = field.Format is FieldFormat.Ipv4 or FieldFormat.Ipv6;
        if (!isAddress || !int.TryParse(text, CultureInfo.InvariantCulture, out var prefix)) return TryValue(field, text, out mask, out error);
        mask = new byte[field.ValueBytes];
        error = prefix < 0 || prefix > field.Bits ? $"{field.Name}: prefix /{text} is not 0 to {field.Bits}" : "";
        for (var i = 0; i < prefix && error.Length == 0; i++) mask[i / 8] |= (byte)(0x80 >> (i % 8));
        return error.Length == 0;
    }

    /// <summary>Parses a value of a field into network order.</summary>
    internal static bool TryValue(MatchFieldDeclaration field, string text, out byte[] value, out string error)
    {
        value = [];
        error = "";
        switch (field.Format)
        {
            case FieldFormat.Mac when !text.StartsWith("0x", StringComparison.Ordinal):
                var parts = text.Split(':');
                if (parts.Length == 6 && parts.All(part => byte.TryParse(part, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _)))
                    value = [.. parts.Select(part => byte.Parse(part, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))];
                else error = $"{field.Name}: '{text}' is not a MAC address, as 02:00:00:00:00:01";
                return error.Length == 0;
            case FieldFormat.Ipv4 or FieldFormat.Ipv6 when !text.StartsWith("0x", StringComparison.Ordinal):
                var family = field.Format == FieldFormat.Ipv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;
                if (IPAddress.TryParse(text, out var address) && address.AddressFamily == family) value = address.GetAddressBytes();
                else error = $"{field.Name}: '{text}' is not an {(field.Format == FieldFormat.Ipv4 ? "IPv4" : "IPv6")} address";
                return error.Length == 0;
            case FieldFormat.Fragment when text is "no" or "first" or "later":
                value = [text switch { "no" => 0, "first" => 1, _ => 3 }];
                return true;
            default:
                var most = field.Bits >= 64 ? ulong.MaxValue : (1ul << field.Bits) - 1;
                if (!TryNumber(field.Name, text, most, out var number, out error)) return false;
                Span<byte> wide = stackalloc byte[8];
                BinaryPrimitives.WriteUInt64BigEndian(wide, number);
                value = new byte[field.ValueBytes];
                var kept = Math.Min(8, value.Length);
                wide[(8 - kept)..].CopyTo(value.AsSpan(value.Length - kept));
                return true;
        }
    }

    /// <summary>Parses a decimal or 0x number up to <paramref name="most"/>.</summary>
    internal static bool TryNumber(string name, string text, ulong most, out ulong number, out string error)
    {
        var ok = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
        error = ok && number <= most ? "" : $"{name}: '{text}' is not a number from 0 to {most}";
        return error.Length == 0;
    }
}
