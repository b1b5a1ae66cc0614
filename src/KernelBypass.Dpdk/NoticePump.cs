using System.Text;
using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>
/// Takes log lines and port events out of libkbdpdk's queues on a thread of its own. DPDK reports both on threads of its
/// own (interrupt thread, lcores), where managed code had better not run.
/// </summary>
internal sealed unsafe class NoticePump : IDisposable
{
    // Lines that worker lcores log post no notice, so as not to make a lcore wake a sleeper: they wait this long at most.
    private const int LongestWaitMs = 100;

    // Links whose drivers report no change are looked at every so often.
    private const int WaitsBetweenLinkPolls = 5;

    private readonly Action<DpdkLogEntry> _onLog;
    private readonly Action<PortEvent> _onEvent;
    private readonly Action<PortEvent> _deliverEvent;
    private readonly Thread _thread;
    private readonly Lock _draining = new();
    private ulong _lostReported;
    private int _waitsToLinkPoll = WaitsBetweenLinkPolls;
    private volatile bool _stop;

    internal NoticePump(Action<DpdkLogEntry> onLog, Action<PortEvent> onEvent)
    {
        _onLog = onLog;
        _onEvent = onEvent;
        _deliverEvent = portEvent => Deliver(_onEvent, portEvent);
        DpdkException.Check(Kb.kb_log_open(), "DPDK's log stream cannot be redirected");
        _thread = new Thread(Run) { IsBackground = true, Name = "kb-dpdk-notice" };
        _thread.Start();
    }

    public void Dispose()
    {
        _stop = true;
        Kb.kb_notice_post();
        if (Thread.CurrentThread != _thread)
            _thread.Join();
        Drain();
    }

    /// <summary>Delivers what is queued now, on the calling thread.</summary>
    internal void Drain()
    {
        lock (_draining)
        {
            LogLine line;
            while (Kb.kb_log_take(&line) != 0)
                Deliver(_onLog, DpdkLogEntry.Parse(line.level, Encoding.UTF8.GetString(line.text, (int)line.length)));
            ReportLost();

            EventRecord record;
            while (Kb.kb_event_take(&record) != 0)
            {
                // A report of a link is a hint to look: drivers repeat themselves.
                if (record.kind == (uint)PortEventKind.Link)
                    _waitsToLinkPoll = 0;
                else
                    Deliver(_onEvent, new PortEvent((PortEventKind)record.kind, record.port));
            }
        }
    }

    // A handler that fails, say a log on a full disk, must not end the process that forwards packets.
    private static void Deliver<T>(Action<T> handler, T notice)
    {
        try
        {
            handler(notice);
        }
        catch (Exception e)
        {
            Console.Error.WriteLine($"A handler failed on {notice}: {e}");
        }
    }

    private void ReportLost()
    {
        ulong lost = Kb.kb_log_lost();
        if (lost == _lostReported)
            return;
        Deliver(_onLog, new DpdkLogEntry(
            DpdkLogLevel.Warning, "LOG", $"{lost - _lostReported} log line(s) of DPDK were lost: the queue was full"));
        _lostReported = lost;
    }

    private void Run()
    {
        while (!_stop)
        {
            Kb.kb_notice_wait(LongestWaitMs);
            Drain();
            if (--_waitsToLinkPoll > 0)
                continue;
            _waitsToLinkPoll = WaitsBetweenLinkPolls;
            Port.PollLinks(_deliverEvent);
        }
    }
}
