using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Stages;

/// <summary>What the engine gives a stage instance. One for each stage and lcore.</summary>
public abstract unsafe class StageContext
{
    /// <summary>The lcore this instance runs on.</summary>
    public abstract int LcoreId { get; }

    /// <summary>Value of one of the stage's options, as configured or by default.</summary>
    public abstract long Option(string name);

    /// <summary>One of the stage's own counters, for this lcore.</summary>
    public abstract ulong* Counter(string metricName, params ReadOnlySpan<string> labelValues);

    /// <summary>
    /// Drops a packet: counts the reason (index in the stage's DropReasons), shows it to a capture of drops, frees it with the
    /// burst's others.
    /// </summary>
    public abstract void Drop(void* mbuf, int reason);

    /// <summary>Frees a packet that has done its work (it was replaced by a copy, say). Not a drop: nothing is counted.</summary>
    public abstract void Free(void* mbuf);

    /// <summary>Hands a packet that the caller owns to the main lcore (packet-in). Returns false when the punt ring is full or
    /// the
    /// limit is reached: then it has been counted and freed.</summary>
    public abstract bool Punt(void* mbuf, PuntKind kind, in PuntInfo info);

    /// <summary>A copy of the first <paramref name="maxLength"/> bytes of a packet, with its meta, from the copy mempool;
    /// null, and counted, when that is exhausted.</summary>
    public abstract void* Copy(void* mbuf, uint maxLength);

    /// <summary>
    /// The record of a packet whose meta has Traced set, or null. Stages add steps to it; <see cref="Drop"/> and
    /// <see cref="EndTrace"/> complete it. Never called for a packet that is not traced.
    /// </summary>
    public virtual Capture.TraceRecord* TraceOf(void* mbuf) => null;

    /// <summary>The traced packet's way is known: its record goes to the main lcore, and Traced is cleared.</summary>
    public virtual void EndTrace(void* mbuf)
    {
    }

    /// <summary>
    /// Tells of packets that did not come with the burst (a ring of the stage's own), so that the lcore does not go idle.
    /// </summary>
    public virtual void AddWork(int packets)
    {
    }
}

/// <summary>Why a packet goes to the main lcore.</summary>
public enum PuntKind : byte
{
    PacketIn = 1,
    Capture = 2,
    Trace = 3,
}

/// <summary>What goes with a punted packet; kept in its private area after the meta is no longer needed.</summary>
public struct PuntInfo
{
    public ulong Cookie;
    public ulong Metadata;
    public uint InPort;
    public uint WireLength;
    public Model.Flows.PacketInReason Reason;
    public byte TableId;
}
