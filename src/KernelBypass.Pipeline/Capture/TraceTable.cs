using System.Runtime.InteropServices;
using KernelBypass.Dpdk;
using KernelBypass.Dpdk.Native;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Capture;

/// <summary>
/// The records of traced packets: a fixed number in native memory; PacketMeta.Traced is a record's index plus one. An lcore
/// takes a
/// free record with one compare-and-swap, so traces need no ring and no allocation.
/// </summary>
public sealed unsafe class TraceTable : IDisposable
{
    private readonly int _count;
    private TraceRecord* _records;
    private int _nextToRead;

    internal TraceTable(int count)
    {
        _count = count;
        _records = (TraceRecord*)NativeMemory.AlignedAlloc((nuint)count * TraceRecord.SizeInBytes, 64);
        for (var i = 0; i < count; i++) _records[i].State = TraceRecord.Free;
    }

    /// <summary>The record of a packet with this PacketMeta.Traced; null for 0.</summary>
    internal TraceRecord* RecordOf(byte traced) => traced == 0 || traced > _count ? null : _records + (traced - 1);

    /// <summary>Takes a record for a packet; false when all are in use.</summary>
    internal bool TryBegin(RteMbuf* mbuf, PacketMeta* meta, int lcore, uint traceId)
    {
        for (var i = 0; i < _count; i++)
        {
            var record = _records + i;
            if (Volatile.Read(ref record->State) != TraceRecord.Free) continue;
            var state = Interlocked.CompareExchange(ref record->State, TraceRecord.Filling, TraceRecord.Free);
            if (state != TraceRecord.Free) continue;
            record->Lcore = lcore;
            record->TraceId = traceId;
            record->InPort = meta->InPort;
            record->WireLength = meta->WireLength;
            record->DropReason = 0;
            record->Tsc = Tsc.Read();
            record->StepCount = 0;
            record->StepsLost = 0;
            record->DataLength = (ushort)new Mbuf(mbuf).CopyTo(record->Data);
            meta->Traced = (byte)(i + 1);
            return true;
        }

        return false;
    }

    /// <summary>
    /// The next complete record, or null. The main lcore reads it in place and gives it back with <see cref="Release"/>.
    /// </summary>
    public TraceRecord* TryRead()
    {
        for (var i = 0; i < _count; i++)
        {
            var record = _records + ((_nextToRead + i) % _count);
            if (Volatile.Read(ref record->State) != TraceRecord.Done) continue;
            _nextToRead = (int)(record - _records) + 1;
            return record;
        }

        return null;
    }

    /// <summary>Gives a record back that <see cref="TryRead"/> gave.</summary>
    public static void Release(TraceRecord* record) => Volatile.Write(ref record->State, TraceRecord.Free);

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (_records is null) return;
        NativeMemory.AlignedFree(_records);
        _records = null;
    }
}
