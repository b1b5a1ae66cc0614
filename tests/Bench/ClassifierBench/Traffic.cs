using System.Buffers.Binary;
using System.Runtime.InteropServices;
using KernelBypass.Dpdk.Native;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Packets;
using Key = KernelBypass.Model.Flows.FlowKeyLayout;

namespace KernelBypass.Bench.Classifier;

/// <summary>Makes bursts as parse leaves them: the key freshly written, so it is in the first cache.</summary>
internal sealed unsafe class Traffic
{
    private const int Mbufs = 512;
    private const int Stride = 2368;

    private readonly byte* _memory = (byte*)NativeMemory.AlignedAlloc(Mbufs * Stride, 64);
    private readonly void** _packets = (void**)NativeMemory.Alloc(Burst.MaxReceive, (nuint)sizeof(void*));
    private readonly ulong[] _tuples;
    private int _mbuf;
    private ulong _random = 0x2545F4914F6CDD1D;

    /// <param name="tuples">Two words a flow: addresses; protocol word (ports in the upper half). Network order.</param>
    internal Traffic(ulong[] tuples)
    {
        _tuples = tuples;
        NativeMemory.Clear(_memory, Mbufs * Stride);
        for (var i = 0; i < Mbufs; i++) ((PacketMeta*)(_memory + i * Stride + RteMbuf.SizeInBytes))->Hash = 1;
    }

    /// <summary>Every packet's header is random: nothing can be cached.</summary>
    internal bool RandomHeaders { get; init; }

    /// <summary>The next 32 packets, flows at random.</summary>
    internal Burst Next()
    {
        for (var i = 0; i < Burst.MaxReceive; i++)
        {
            var mbuf = _memory + _mbuf * Stride;
            _mbuf = (_mbuf + 1) % Mbufs;
            _packets[i] = mbuf;
            _random ^= _random << 13;
            _random ^= _random >> 7;
            _random ^= _random << 17;
            var meta = (PacketMeta*)(mbuf + RteMbuf.SizeInBytes);
            var words = (ulong*)&meta->Key;
            meta->WireLength = 64;
            words[0] = 0x0100_0000_0002;
            words[1] = 0x0008_0000_0000_0000;
            words[2] = 0x0100_0000_0000_0000;
            words[5] = words[6] = 0;
            if (RandomHeaders)
            {
                words[3] = _random;
                words[4] = 0x40_0006 | (_random * 0x9E37_79B9_7F4A_7C15 & 0xffff_ffff_0000_0000);
                continue;
            }

            var flow = (int)(((UInt128)_random * (ulong)(_tuples.Length / 2)) >> 64) * 2;
            words[3] = _tuples[flow];
            words[4] = _tuples[flow + 1];
        }

        return new Burst { Packets = _packets, Count = Burst.MaxReceive };
    }

    /// <summary>The words of a TCP flow.</summary>
    internal static void Put(ulong[] tuples, int index, uint source, uint destination, ushort sourcePort, ushort destinationPort)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(bytes, source);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], destination);
        bytes[Key.IpProto - Key.Ipv4Src] = 6;
        bytes[Key.IpTtl - Key.Ipv4Src] = 64;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[12..], sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[14..], destinationPort);
        tuples[2 * index] = MemoryMarshal.Read<ulong>(bytes);
        tuples[2 * index + 1] = MemoryMarshal.Read<ulong>(bytes[8..]);
    }
}
