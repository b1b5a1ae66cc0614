using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Tables;
using static KernelBypass.Pipeline.Tests.Tables.Keys;

namespace KernelBypass.Pipeline.Tests.Tables;

/// <summary>Readers look up packets whose flows stand throughout, while a writer changes everything around (and the flows'
/// instructions).</summary>
public unsafe class ConcurrencyTests
{
    private const int Permanent = 64;

    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    public void A_flow_that_stands_is_always_met_and_never_half_written(int cacheEntries)
    {
        var grace = new ReaderTurns();
        using var rig = new TablesRig(grace: grace, maxFlows: 20_000, maxFlowsPerTable: 20_000);
        var handles = new FlowHandle[Permanent];
        for (uint i = 0; i < Permanent; i++) handles[i] = rig.Add(Standing(i, 1));
        rig.Tables.Publish();

        var errors = new List<string>();
        var done = false;
        var readers = new Thread[2];
        for (var r = 0; r < readers.Length; r++)
        {
            var (index, lcore) = (r, r == 0 ? TablesRig.Lcore : TablesRig.OtherLcore);
            readers[r] = new Thread(() =>
            {
                using var lane = new ClassifyLane(rig.Tables, lcore, cacheEntries);
                var error = Read(lane, grace, index, ref done);
                if (error != null) lock (errors) errors.Add(error);
            });
            readers[r].Start();
        }

        Write(rig, handles, TimeSpan.FromSeconds(2), errors);
        Volatile.Write(ref done, true);
        foreach (var reader in readers) reader.Join();
        Assert.Empty(errors);
        rig.Tables.Reclaim(int.MaxValue);
        rig.Tables.Reclaim(int.MaxValue);
        Assert.Equal(0, rig.Tables.RetiredCount);
    }

    private static string? Read(ClassifyLane lane, ReaderTurns grace, int index, ref bool done)
    {
        var keys = new FlowKey[32];
        for (uint burst = 0; !Volatile.Read(ref done); burst++)
        {
            for (uint i = 0; i < 32; i++)
                keys[i] = Tcp(1 + burst % 2, 0x0a000000 + (burst + i) % Permanent, 0xc0a80001, 1000, 80);
            lane.Run(keys);
            for (var i = 0; i < 32; i++)
            {
                var entry = lane.First(i);
                if (entry == null || entry->Cookie != (burst + (uint)i) % Permanent)
                    return Failed(grace, index, "missed a standing flow");
                var port = entry->Apply[0].Port;
                if (entry->ApplyCount != 1 + port % 8) return Failed(grace, index, "met a flow with another's action count");
                for (var a = 0; a < entry->ApplyCount; a++)
                    if (entry->Apply[a].Port != port) return Failed(grace, index, "met a half-written flow");
            }

            grace.Turn(index);
        }

        grace.Leave(index);
        return null;
    }

    private static string Failed(ReaderTurns grace, int index, string error)
    {
        grace.Leave(index);
        return error;
    }

    private static void Write(TablesRig rig, FlowHandle[] handles, TimeSpan time, List<string> errors)
    {
        var random = new Random(1);
        var others = new List<FlowHandle>();
        var end = DateTime.UtcNow + time;
        while (DateTime.UtcNow < end && errors.Count == 0)
        {
            for (var i = 0; i < 50; i++)
            {
                var which = random.Next(Permanent);
                switch (random.Next(6))
                {
                    case 0:
                        Assert.True(rig.Tables.Modify(handles[which],
                            Standing((uint)which, (uint)random.Next(1, 100)).Encode()).IsOk);
                        break;
                    case 1:
                        var flags = random.Next(2) == 0 ? FlowFlags.ResetCounts : FlowFlags.None;
                        handles[which] = rig.Add(Standing((uint)which, (uint)random.Next(1, 100), flags));
                        break;
                    case < 5 when others.Count < 15_000:
                        others.Add(rig.Add(Passing(random)));
                        break;
                    default:
                        for (var n = random.Next(1, 20); n > 0 && others.Count > 0; n--)
                        {
                            var last = random.Next(others.Count);
                            rig.Tables.Delete(others[last], out _);
                            others.RemoveAt(last);
                        }

                        break;
                }
            }

            if (random.Next(200) == 0)
            {
                foreach (var other in others) rig.Tables.Delete(other, out _);
                others.Clear();
            }

            rig.Tables.Publish();
            rig.Tables.Reclaim();
        }
    }

    /// <summary>A flow of the test's packets; its number of actions goes with their port.</summary>
    private static FlowSpec Standing(uint number, uint port, FlowFlags flags = FlowFlags.None) => new()
    {
        Priority = 1000,
        Cookie = number,
        Flags = flags,
        Match = TcpMatch(0x0a000000 + number, 0xc0a80001, 1000, 80),
        ApplyActions = [.. Enumerable.Repeat(FlowAction.Output(port), 1 + (int)(port % 8))],
    };

    /// <summary>A flow that comes and goes: of lower priority, or not for the test's packets. Their tuples and masks come and
    /// go too.</summary>
    private static FlowSpec Passing(Random random)
    {
        if (random.Next(2) == 0)
        {
            return new FlowSpec
            {
                Priority = (ushort)random.Next(1, 65536),
                Cookie = ulong.MaxValue,
                Match = TcpMatch((uint)random.Next(0x0b000000, 0x0c000000), 0xc0a80001, (ushort)random.Next(3), 80),
            };
        }

        var mask = uint.MaxValue << random.Next(1, 32);
        var match = new List<MatchItem> { Item(MatchField.EthType, 0x800), Item(MatchField.Ipv4Src, 0x0a000000 & mask, mask) };
        if (random.Next(2) == 0) match.Add(Item(MatchField.InPort, (ulong)random.Next(1, 3)));
        return new FlowSpec { Priority = (ushort)random.Next(1, 1000), Cookie = ulong.MaxValue, Match = match };
    }

    /// <summary>Grace periods by counting readers' turns.</summary>
    private sealed class ReaderTurns : IGracePeriod
    {
        private readonly ulong[] _turns = new ulong[32];
        private readonly Dictionary<ulong, (ulong First, ulong Second)> _snapshots = [];
        private ulong _token;

        internal void Turn(int reader) => Interlocked.Increment(ref _turns[reader * 16]);

        internal void Leave(int reader) => Volatile.Write(ref _turns[reader * 16], ulong.MaxValue);

        public ulong Start()
        {
            Interlocked.MemoryBarrier();
            _snapshots[++_token] = (Volatile.Read(ref _turns[0]), Volatile.Read(ref _turns[16]));
            return _token;
        }

        public bool HasPassed(ulong token)
        {
            var (first, second) = _snapshots[token];
            return Over(0, first) && Over(16, second);
        }

        private bool Over(int at, ulong snapshot)
        {
            var now = Volatile.Read(ref _turns[at]);
            return now == ulong.MaxValue || now > snapshot;
        }
    }
}
