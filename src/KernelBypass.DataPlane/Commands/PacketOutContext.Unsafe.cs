using System.Runtime.InteropServices;
using KernelBypass.DataPlane.Switch;
using KernelBypass.Dpdk;
using KernelBypass.Dpdk.Native;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.DataPlane.Commands;

/// <summary>What the actions of a packet-out stand on: the main lcore's own copies, and the channel for what goes to the
/// controller.</summary>
internal sealed unsafe class PacketOutContext(SwitchRuntime runtime) : StageContext, IDisposable
{
    private readonly ulong* _deferred = (ulong*)NativeMemory.AllocZeroed(sizeof(ulong));
    private readonly byte[] _frame = GC.AllocateUninitializedArray<byte>(16_384, pinned: true);

    /// <summary>A counter nobody reads: a packet-out learns no station.</summary>
    internal ulong* Deferred => _deferred;

    /// <summary>Packets handed to the controller since <see cref="Reset"/>.</summary>
    internal int Punted { get; private set; }

    /// <inheritdoc/>
    public override int LcoreId => (int)Lcore.Main;

    internal void Reset() => Punted = 0;

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.Free(_deferred);

    /// <inheritdoc/>
    public override long Option(string name) => 0;

    /// <inheritdoc/>
    public override ulong* Counter(string metricName, params ReadOnlySpan<string> labelValues) => _deferred;

    /// <inheritdoc/>
    public override void Drop(void* mbuf, int reason) => new Mbuf((RteMbuf*)mbuf).Free();

    /// <inheritdoc/>
    public override void Free(void* mbuf) => new Mbuf((RteMbuf*)mbuf).Free();

    /// <inheritdoc/>
    public override bool Punt(void* mbuf, PuntKind kind, in PuntInfo info)
    {
        var packet = new Mbuf((RteMbuf*)mbuf);
        var record = new Channel.Messages.PacketInRecord
        {
            TimestampUnixNs = runtime.Clock.UnixNs,
            Cookie = info.Cookie,
            Metadata = info.Metadata,
            InPort = info.InPort,
            TotalLength = info.WireLength,
            Reason = info.Reason,
            TableId = info.TableId,
        };
        var told = runtime.Server.TellPacketIn(record, _frame.AsSpan(0, packet.CopyTo(_frame)));
        if (told) Punted++;
        else runtime.Counters.PacketInsMissed++;
        packet.Free();
        return told;
    }

    /// <inheritdoc/>
    public override void* Copy(void* mbuf, uint maxLength)
    {
        var source = new Mbuf((RteMbuf*)mbuf);
        var bytes = _frame.AsSpan(0, (int)Math.Min((uint)source.CopyTo(_frame), maxLength));
        if (!runtime.Engine.TryMakePacket(bytes, 0, out var copy)) return null;
        copy.Private<PacketMeta>() = source.Private<PacketMeta>();
        return copy.Pointer;
    }
}
