using System.Runtime.InteropServices;
using KernelBypass.Dpdk.Native;
using KernelBypass.Model.Declarations;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Pipeline.Tests.Engine;

/// <summary>What test stages share over lcores: a few words of native memory.</summary>
internal sealed unsafe class Board : IDisposable
{
    internal const int Flows = 16;

    private readonly long* _words = (long*)NativeMemory.AllocZeroed(256, sizeof(long));

    internal ref long this[int index] => ref _words[index];

    public void Dispose() => NativeMemory.Free(_words);
}

/// <summary>
/// Sees that each flow's numbers come in their order: next number of flow f on word f, violations on word 100, packets on 101.
/// </summary>
internal sealed unsafe class OrderStage(StageContext context, Board board) : Stage(Declared, context)
{
    internal const int Violations = 100;

    internal static StageDeclaration Declared { get; } = new("order", "Checks order.", [], [], []);

    internal static StageKind Kind { get; } = new(Declared, static (c, s) => new OrderStage(c, s.Get<Board>()));

    public override void Process(ref Burst burst)
    {
        for (var i = 0; i < burst.Count; i++)
        {
            var mbuf = (RteMbuf*)burst.Packets[i];
            var frame = mbuf->buf_addr + mbuf->data_off;
            var flow = *(int*)(frame + 16);
            var sequence = *(uint*)(frame + 20);
            if (Volatile.Read(ref board[flow]) != sequence) Interlocked.Increment(ref board[Violations]);
            Volatile.Write(ref board[flow], sequence + 1);
        }
    }
}

/// <summary>Holds its lcore in Process while word 0 is 1 and there are packets; word 1 says that it does.</summary>
internal sealed class GateStage(StageContext context, Board board) : Stage(Declared, context)
{
    internal static StageDeclaration Declared { get; } = new("gate", "Holds the lcore.", [], [], []);

    internal static StageKind Kind { get; } = new(Declared, static (c, s) => new GateStage(c, s.Get<Board>()));

    public override void Process(ref Burst burst)
    {
        if (burst.Count == 0) return;
        while (Volatile.Read(ref board[0]) == 1) Volatile.Write(ref board[1], 1);
        Volatile.Write(ref board[1], 0);
    }
}

/// <summary>
/// Notes the managed bytes that the lcore's thread allocates: word 0 up to the 100th burst, word 1 up to now; word 2: bursts.
/// </summary>
internal sealed class AllocationStage(StageContext context, Board board) : Stage(Declared, context)
{
    private int _bursts;

    internal static StageDeclaration Declared { get; } = new("allocation", "Notes allocation.", [], [], []);

    internal static StageKind Kind { get; } = new(Declared, static (c, s) => new AllocationStage(c, s.Get<Board>()));

    public override void Process(ref Burst burst)
    {
        if (burst.Count == 0) return;
        var now = GC.GetAllocatedBytesForCurrentThread();
        if (++_bursts == 100) Volatile.Write(ref board[0], now);
        Volatile.Write(ref board[1], now);
        Volatile.Write(ref board[2], _bursts);
    }
}

/// <summary>Keeps packets (option copies: copies of them) until it is drained.</summary>
internal sealed unsafe class HoardStage : Stage
{
    private const int Room = 65536;

    private readonly void** _hoard = (void**)NativeMemory.Alloc(Room, (nuint)sizeof(void*));
    private readonly bool _copies;
    private int _count;

    private HoardStage(StageContext context)
        : base(Declared, context) => _copies = context.Option("copies") != 0;

    internal static StageDeclaration Declared { get; } =
        new("hoard", "Keeps packets.", [new OptionDeclaration("copies", 0, 0, 1, "Copies only.")], [], []);

    internal static StageKind Kind { get; } = new(Declared, static (c, _) => new HoardStage(c));

    public override void Process(ref Burst burst)
    {
        for (var i = 0; i < burst.Count; i++)
        {
            var packet = _copies ? Context.Copy(burst.Packets[i], 64) : burst.Packets[i];
            if (packet is not null) _hoard[_count++] = packet;
        }

        if (!_copies) burst.Count = 0;
    }

    public override void Drain(ref Burst burst)
    {
        while (_count > 0) Context.Free(_hoard[--_count]);
    }
}

/// <summary>Punts every packet.</summary>
internal sealed unsafe class PuntStage(StageContext context) : Stage(Declared, context)
{
    internal static StageDeclaration Declared { get; } = new("punt", "Punts.", [], [], []);

    internal static StageKind Kind { get; } = new(Declared, static (c, _) => new PuntStage(c));

    public override void Process(ref Burst burst)
    {
        for (var i = 0; i < burst.Count; i++)
        {
            var meta = (PacketMeta*)((RteMbuf*)burst.Packets[i] + 1);
            var info = new PuntInfo { Cookie = 0x2a, InPort = meta->InPort, WireLength = meta->WireLength, TableId = 7 };
            Context.Punt(burst.Packets[i], PuntKind.PacketIn, info);
        }

        burst.Count = 0;
    }
}

/// <summary>The built-in kinds and those of the tests.</summary>
internal static class TestCatalogue
{
    internal static StageCatalogue Kinds { get; } = new(
        StageCatalogue.Default.Kinds.Concat(
            [OrderStage.Kind, GateStage.Kind, AllocationStage.Kind, HoardStage.Kind, PuntStage.Kind]));
}
