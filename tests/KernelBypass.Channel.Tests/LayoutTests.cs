using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KernelBypass.Channel.Messages;
using KernelBypass.Channel.SharedMemory;

namespace KernelBypass.Channel.Tests;

/// <summary>What stands in shared memory has these sizes and places; a change needs a new version of the layout.</summary>
public sealed class LayoutTests
{
    [Fact]
    public void Structs_have_their_pinned_sizes()
    {
        Assert.Equal(MessageHeader.Size, Unsafe.SizeOf<MessageHeader>());
        Assert.Equal(FlowResult.Size, Unsafe.SizeOf<FlowResult>());
        Assert.Equal(FlowHandle.Size, Unsafe.SizeOf<FlowHandle>());
        Assert.Equal(FlowDeleteCommand.Size, Unsafe.SizeOf<FlowDeleteCommand>());
        Assert.Equal(BatchCompletion.Size, Unsafe.SizeOf<BatchCompletion>());
        Assert.Equal(FlowDumpCommand.Size, Unsafe.SizeOf<FlowDumpCommand>());
        Assert.Equal(FlowDumpHead.Size, Unsafe.SizeOf<FlowDumpHead>());
        Assert.Equal(FlowDumpEntryHead.Size, Unsafe.SizeOf<FlowDumpEntryHead>());
        Assert.Equal(FlowRemovedEvent.Size, Unsafe.SizeOf<FlowRemovedEvent>());
        Assert.Equal(PacketInRecord.Size, Unsafe.SizeOf<PacketInRecord>());
        Assert.Equal(CaptureRecord.Size, Unsafe.SizeOf<CaptureRecord>());
        Assert.Equal(TraceRecordHead.Size, Unsafe.SizeOf<TraceRecordHead>());
        Assert.Equal(PacketOutCommand.Size, Unsafe.SizeOf<PacketOutCommand>());
        Assert.Equal(16, Unsafe.SizeOf<FlowCounters>());
        Assert.Equal(4096, Unsafe.SizeOf<ControlLayout>());
        Assert.Equal(4096, Unsafe.SizeOf<MetricsLayout>());
        Assert.Equal(4096, Unsafe.SizeOf<FlowStatsLayout>());
    }

    [Fact]
    public void Lines_with_different_writers_are_apart()
    {
        Assert.Equal(64, Marshal.OffsetOf<RingCursors>(nameof(RingCursors.Read)).ToInt32());
        Assert.Equal(256, Marshal.OffsetOf<ControlLayout>(nameof(ControlLayout.State)).ToInt32());
        Assert.Equal(320, Marshal.OffsetOf<ControlLayout>(nameof(ControlLayout.DaemonPid)).ToInt32());
    }

    [Fact]
    public void Message_numbers_are_pinned()
    {
        Assert.Equal(0x0001, (int)MessageType.FlowAdd);
        Assert.Equal(0x0115, (int)MessageType.Shutdown);
        Assert.Equal(0x0200, (int)MessageType.PacketOut);
        Assert.Equal(0x1004, (int)MessageType.Refusal);
        Assert.Equal(0x1202, (int)MessageType.CaptureRecord);
    }
}
