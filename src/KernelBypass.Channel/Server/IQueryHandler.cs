using KernelBypass.Channel.Messages;

namespace KernelBypass.Channel.Server;

/// <summary>The cold commands. Refusals are <see cref="CommandException"/>; they may allocate.</summary>
public interface IQueryHandler
{
    HelloAnswer Hello(HelloRequest request);

    StatusAnswer Status();

    TableList Tables();

    PortDescription AttachPort(PortSettings settings);

    void DetachPort(string port);

    PortDescription SetPort(PortChange change);

    PortList Ports();

    PortXStatsAnswer PortXStats(string port);

    StageList SetPlacement(PlacementRequest placement);

    StageList Stages();

    StageKindList StageKinds();

    LcoreList Lcores();

    DropReasonList DropReasons();

    MacList Macs();

    MacFlushed FlushMacs();

    ExplainAnswer Explain(ExplainRequest request);

    TraceStarted StartTrace(TraceRequest request);

    void StopTrace(uint id);

    CaptureStarted StartCapture(CaptureRequest request);

    void StopCapture(uint id);

    /// <summary>Stops receiving, hands on what has been received; the process stays.</summary>
    void Drain();

    /// <summary>Ends the process after this answer.</summary>
    void Shutdown(int drainMs);
}
