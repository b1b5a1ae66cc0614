namespace KernelBypass.Channel.Messages;

/// <summary>Messages of the channel. Commands go to the data plane, 0x1000 and above come from it. Never reuse a
/// number.</summary>
public enum MessageType : ushort
{
    None = 0,

    // Flow commands: binary, answered by FlowCompletion.
    FlowAdd = 0x0001,
    FlowModify = 0x0002,
    FlowDelete = 0x0003,
    BatchBegin = 0x0004,
    BatchCommit = 0x0005,
    FlowDump = 0x0006,

    // Commands with a JSON request and a JSON answer.
    Hello = 0x0100,
    Status = 0x0101,
    TableStatus = 0x0102,
    PortAttach = 0x0103,
    PortDetach = 0x0104,
    PortSet = 0x0105,
    PortDump = 0x0106,
    PortXStats = 0x0107,
    SetPlacement = 0x0108,
    StageDump = 0x0109,
    StageKinds = 0x010A,
    LcoreDump = 0x010B,
    DropReasons = 0x010C,
    MacDump = 0x010D,
    MacFlush = 0x010E,
    Explain = 0x010F,
    TraceStart = 0x0110,
    TraceStop = 0x0111,
    CaptureStart = 0x0112,
    CaptureStop = 0x0113,
    Drain = 0x0114,
    Shutdown = 0x0115,

    // In the packet-out ring.
    PacketOut = 0x0200,

    // Answers.
    FlowCompletion = 0x1000,
    BatchCompletion = 0x1001,
    FlowDumpEntries = 0x1002,

    /// <summary>JSON answer to a JSON command.</summary>
    Answer = 0x1003,

    /// <summary>JSON <see cref="CommandError"/>: the command failed, nothing was changed.</summary>
    Refusal = 0x1004,

    // Events.
    FlowRemoved = 0x1100,
    PortEvent = 0x1101,
    Log = 0x1102,

    // In the packet ring.
    PacketIn = 0x1200,
    TraceRecord = 0x1201,
    CaptureRecord = 0x1202,
}
