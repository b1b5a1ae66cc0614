using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace KernelBypass.Bench.Packet;

/// <summary>native/bench/packet.c, line for line, in C#.</summary>
internal sealed unsafe class FiveTupleTable
{
    private readonly Flow* _flows;
    private readonly uint _mask;

    [StructLayout(LayoutKind.Explicit, Size = 64)]
    private struct Flow
    {
        [FieldOffset(0)] internal Vector128<uint> Key;
        [FieldOffset(16)] internal fixed byte Addresses[12];
        [FieldOffset(28)] internal uint Port;
        [FieldOffset(32)] internal ulong Packets;
        [FieldOffset(40)] internal ulong Bytes;
        [FieldOffset(48)] internal uint Used;
    }

    internal FiveTupleTable(int flows)
    {
        var size = Math.Max(16, BitOperations.RoundUpToPowerOf2((uint)flows * 2));
        _mask = size - 1;
        _flows = (Flow*)NativeMemory.AlignedAlloc(size * 64, 64);
        NativeMemory.Clear(_flows, size * 64);
    }

    internal void Add(byte* data, uint length, byte* addresses, uint port)
    {
        if (!Parse(data, length, out var key, out _)) throw new ArgumentException("not TCP or UDP over IPv4");
        var i = Hash(key);
        while (_flows[i & _mask].Used != 0) i++;
        var flow = _flows + (i & _mask);
        flow->Key = key;
        Buffer.MemoryCopy(addresses, flow->Addresses, 12, 12);
        flow->Port = port;
        flow->Used = 1;
    }

    internal int Burst(byte** packets, uint* lengths, int count, uint* ports)
    {
        var keys = stackalloc Vector128<uint>[32];
        var l3 = stackalloc uint[32];
        var matched = 0;
        for (var i = 0; i < count; i++)
        {
            var ok = Parse(packets[i], lengths[i], out keys[i], out l3[i]);
            ports[i] = ok ? 1u : 0;
            if (ok && Sse.IsSupported) Sse.Prefetch0(_flows + (Hash(keys[i]) & _mask));
        }

        for (var i = 0; i < count; i++)
        {
            if (ports[i] == 0) continue;
            var flow = Lookup(keys[i]);
            if (flow == null || packets[i][l3[i] + 8] <= 1)
            {
                ports[i] = 0;
                continue;
            }

            Rewrite(packets[i], l3[i], flow);
            flow->Packets++;
            flow->Bytes += lengths[i];
            ports[i] = flow->Port;
            matched++;
        }

        return matched;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Hash(Vector128<uint> key)
    {
        var words = key.AsUInt64();
        var h = words[0] * 0x9E37_79B9_7F4A_7C15;
        h = (h ^ (h >> 32) ^ words[1]) * 0xC2B2_AE3D_27D4_EB4F;
        return (uint)(h >> 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Parse(byte* data, uint length, out Vector128<uint> key, out uint l3)
    {
        key = default;
        l3 = 14;
        if (length < l3) return false;
        var type = *(ushort*)(data + 12);
        while (type is 0x0081 or 0xA888)
        {
            if (length < l3 + 4) return false;
            type = *(ushort*)(data + l3 + 2);
            l3 += 4;
        }

        if (type != 0x0008 || length < l3 + 20) return false;
        var ip = data + l3;
        var header = (ip[0] & 15u) * 4;
        uint total = BinaryPrimitives.ReverseEndianness(*(ushort*)(ip + 2));
        if (ip[0] >> 4 != 4 || header < 20 || total < header || total > length - l3) return false;
        if ((*(ushort*)(ip + 6) & 0xFF3F) != 0) return false;
        var rest = total - header;
        var l4 = ip + header;
        if (ip[9] == 6)
        {
            var offset = (uint)(l4[12] >> 4) * 4;
            if (rest < 20 || offset < 20 || offset > rest) return false;
        }
        else if (ip[9] != 17 || rest < 8)
        {
            return false;
        }

        key = Vector128.Create(*(uint*)(ip + 12), *(uint*)(ip + 16), *(uint*)l4, ip[9]);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rewrite(byte* data, uint l3, Flow* flow)
    {
        var ip = data + l3;
        *(ulong*)data = *(ulong*)flow->Addresses;
        *(uint*)(data + 8) = *(uint*)(flow->Addresses + 8);
        var old = *(ushort*)(ip + 8);
        var now = (ushort)(old - 1);
        *(ushort*)(ip + 8) = now;
        var sum = (uint)(ushort)~*(ushort*)(ip + 10) + (ushort)~old + now;
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        *(ushort*)(ip + 10) = (ushort)~sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Flow* Lookup(Vector128<uint> key)
    {
        for (var i = Hash(key);; i++)
        {
            var flow = _flows + (i & _mask);
            if (flow->Used == 0) return null;
            if (flow->Key == key) return flow;
        }
    }
}
