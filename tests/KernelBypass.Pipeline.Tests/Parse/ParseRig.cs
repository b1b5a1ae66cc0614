using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Tests.Parse;

/// <summary>Runs the parser over managed bytes.</summary>
internal static unsafe class ParseRig
{
    internal const uint InPort = 7;

    /// <summary>What the parser made of a frame; the meta was full of 0xEE before, so that nothing unwritten passes for zero.</summary>
    internal static (ParserVerdict Verdict, PacketMeta Meta) Parse(byte[] frame, uint words = KeyWordDemand.All, int readable = -1)
    {
        PacketMeta meta;
        new Span<byte>(&meta, sizeof(PacketMeta)).Fill(0xEE);
        meta.InPort = InPort;
        fixed (byte* data = frame.Length == 0 ? new byte[1] : frame)
        {
            var verdict = Parser.Parse(data, readable < 0 ? frame.Length : readable, frame.Length, &meta, words);
            return (verdict, meta);
        }
    }

    /// <summary>A field's value in a key, in hex.</summary>
    internal static string Field(this PacketMeta meta, string name)
    {
        var field = MatchFieldCatalogue.Find(name)!;
        var value = new byte[field.ValueBytes];
        FieldBits.Read(meta.Key.Bytes, field, value);
        return Convert.ToHexStringLower(value);
    }
}
