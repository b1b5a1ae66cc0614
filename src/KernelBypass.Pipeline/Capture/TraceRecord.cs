using System.Runtime.InteropServices;

namespace KernelBypass.Pipeline.Capture;

/// <summary>What a step of a traced packet's way is.</summary>
public enum TraceStepKind : byte
{
    None = 0,

    /// <summary>A flow matched: TableId, Priority, Cookie, FlowSlot, FlowGeneration.</summary>
    FlowMatched = 1,

    /// <summary>No flow of TableId matched.</summary>
    TableMiss = 2,

    /// <summary>An action was executed: Argument is its ActionKind; for set-field, Port is the field.</summary>
    Action = 3,

    /// <summary>A copy or the packet itself goes out of Port.</summary>
    Output = 4,

    /// <summary>Dropped: Argument is the data-plane-wide drop reason.</summary>
    Drop = 5,

    /// <summary>Handed to the controller: Argument is the PacketInReason.</summary>
    Punt = 6,
}

/// <summary>One step. 48 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = SizeInBytes)]
public unsafe struct TraceStep
{
    /// <summary>Bytes of a step.</summary>
    public const int SizeInBytes = 48;

    public TraceStepKind Kind;
    public byte TableId;
    public ushort Priority;
    public uint Argument;
    public uint Port;
    public uint FlowSlot;
    public ulong Cookie;
    public uint FlowGeneration;

    /// <summary>Set-field: the field's new value in network order, left-aligned.</summary>
    public fixed byte Value[16];
}

/// <summary>
/// What becomes of one traced packet: 5 KiB of native memory, taken when the packet was parsed and fits the trace's filter,
/// filled by
/// the stages on its way, and read by the main lcore once <see cref="State"/> is <see cref="Done"/>.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = SizeInBytes)]
public unsafe struct TraceRecord
{
    /// <summary>Bytes of a record.</summary>
    public const int SizeInBytes = 5120;

    /// <summary>Steps that fit; later ones are counted in <see cref="StepsLost"/>.</summary>
    public const int MaxSteps = 48;

    /// <summary>Bytes of the packet that fit.</summary>
    public const int MaxData = 2304;

    /// <summary>State: nobody uses it.</summary>
    public const int Free = 0;

    /// <summary>State: a packet is on its way.</summary>
    public const int Filling = 1;

    /// <summary>State: complete; the main lcore reads it and sets Free.</summary>
    public const int Done = 2;

    public int State;
    public int Lcore;

    /// <summary>The trace's number, as given when it was started.</summary>
    public uint TraceId;
    public uint InPort;
    public uint WireLength;
    public ushort DataLength;

    /// <summary>Data-plane-wide drop reason, 0: not dropped.</summary>
    public ushort DropReason;
    public ulong Tsc;
    public int StepCount;
    public int StepsLost;
    private fixed byte _steps[MaxSteps * TraceStep.SizeInBytes];
    private fixed byte _data[MaxData];

    /// <summary>Adds a step.</summary>
    public void Add(in TraceStep step)
    {
        if (StepCount == MaxSteps)
        {
            StepsLost++;
            return;
        }

        fixed (byte* steps = _steps) ((TraceStep*)steps)[StepCount++] = step;
    }

    /// <summary>Step <paramref name="index"/>, below StepCount.</summary>
    public TraceStep Step(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)StepCount, nameof(index));
        fixed (byte* steps = _steps) return ((TraceStep*)steps)[index];
    }

    /// <summary>Room for the packet's bytes.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public Span<byte> Data => MemoryMarshal.CreateSpan(ref _data[0], MaxData);
}
