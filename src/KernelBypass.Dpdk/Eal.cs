using System.Runtime.InteropServices;
using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>
/// DPDK's Environment Abstraction Layer: once a process, started by <see cref="Initialize"/> and ended by
/// <see cref="Dispose"/>. It owns the main lcore's thread; ports, mempools and rings may be made on any thread.
/// </summary>
public sealed class Eal : IDisposable
{
    private static readonly Lock s_lock = new();
    private static Eal? s_current;
    private static bool s_used;

    private readonly EalThread _thread;
    private readonly NoticePump _pump;
    private readonly List<DpdkLogEntry> _startLog = [];
    private Action<DpdkLogEntry>? _log;
    private bool _starting = true;
    private bool _disposed;

    private Eal(EalOptions options, Action<DpdkLogEntry>? log)
    {
        Options = options;
        _log = log;
        _pump = new NoticePump(OnLog, OnPortEvent);
        _thread = new EalThread();
    }

    /// <summary>A port reported something. Raised on a thread of its own, never on a lcore.</summary>
    public event Action<PortEvent>? PortEventOccurred;

    /// <summary>The one that runs, or null.</summary>
    public static Eal? Current => s_current;

    /// <summary>What it was started with.</summary>
    public EalOptions Options { get; }

    /// <summary>Whether memory comes from hugepages.</summary>
    public bool HasHugepages { get; private set; }

    /// <summary>The I/O addresses in use.</summary>
    public IovaMode IovaMode { get; private set; }

    /// <summary>
    /// Verifies the layouts, then starts EAL on a thread of its own, which becomes the main lcore. Log lines of DPDK go to
    /// <paramref name="log"/> (or, when null, from warnings on to standard error), on a thread of their own. Throws
    /// <see cref="EalException"/> with cause and remedy; DPDK cannot be started twice in a process, not even after a failure.
    /// </summary>
    public static Eal Initialize(EalOptions options, Action<DpdkLogEntry>? log = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        LayoutVerifier.Verify();
        IReadOnlyList<string> arguments = options.ToArguments();
        lock (s_lock)
        {
            if (s_used)
            {
                throw new EalException("EAL was already started in this process, and DPDK allows it once: start another " +
                    "process for another configuration.");
            }

            s_used = true;
        }

        EalRuntimeDirectory.RemoveOrphans();
        bool directoryExisted = Directory.Exists(EalRuntimeDirectory.Of(options));
        var eal = new Eal(options, log);
        int error = eal.Start(arguments);
        eal._pump.Drain();
        eal._starting = false; // the log is complete: what follows is not of the start
        if (error < 0)
        {
            eal.Abandon();
            if (!directoryExisted)
                EalRuntimeDirectory.Remove(options);
            throw EalException.Diagnose(options, error, eal._startLog);
        }

        s_current = eal;
        if (EalDevices.FirstMissing(options, [.. Port.Enumerate().Select(port => port.Name)]) is string missing)
        {
            List<DpdkLogEntry> lines = [.. eal._startLog];
            eal.Dispose();
            throw EalException.DeviceMissing(missing, lines);
        }

        eal._startLog.Clear();
        return eal;
    }

    /// <summary>Runs something on the main lcore and waits for it. An exception of it is thrown here.</summary>
    public void Invoke(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        _thread.Invoke(action);
    }

    /// <summary>Runs something on the main lcore, waits for it, and gives its result.</summary>
    public T Invoke<T>(Func<T> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        T result = default!;
        _thread.Invoke(() => result = function());
        return result;
    }

    /// <summary>
    /// Closes every port and ends EAL. Refuses, with <see cref="InvalidOperationException"/>, while a lcore still runs: its
    /// function would go on over freed memory. Leaves no run-time directory.
    /// </summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        foreach (uint lcore in Lcore.Workers)
        {
            if (Lcore.GetState(lcore) != LcoreState.Waiting)
                throw new InvalidOperationException($"lcore {lcore} still runs: stop it and Lcore.Wait for it before EAL ends.");
        }

        _disposed = true;
        _thread.Invoke(CleanUp);
        _thread.Stop();
        Kb.kb_log_close();
        _pump.Dispose();
        s_current = null;
        EalRuntimeDirectory.Remove(Options);
    }

    private static unsafe int CallInit(IReadOnlyList<string> arguments)
    {
        // Never freed: EAL keeps pointers into its arguments.
        int count = arguments.Count + 1;
        byte** argv = (byte**)NativeMemory.AllocZeroed((nuint)(count + 1), (nuint)sizeof(byte*));
        argv[0] = (byte*)Marshal.StringToCoTaskMemUTF8("kernelbypass");
        for (int i = 1; i < count; i++)
            argv[i] = (byte*)Marshal.StringToCoTaskMemUTF8(arguments[i - 1]);
        return Kb.kb_eal_init(count, argv);
    }

    private int Start(IReadOnlyList<string> arguments)
    {
        int error = 0;
        _thread.Invoke(() =>
        {
            IReadOnlyList<int> before = CpuAffinity.GetCurrentThread();
            error = CallInit(arguments);
            if (error == 0)
                error = Kb.kb_event_open();
            if (error == 0)
                ReadFacts();
            if (error < 0 || !Options.PinMainLcore)
                CpuAffinity.SetCurrentThread(before);
        });
        return error;
    }

    private void CleanUp()
    {
        foreach (Port port in Port.Enumerate())
        {
            try
            {
                port.Close();
            }
            catch (DpdkException e)
            {
                // The others and EAL itself are to end nevertheless.
                OnLog(new DpdkLogEntry(DpdkLogLevel.Error, "PORT", e.Message));
            }
        }

        Kb.kb_event_close();
        int error = Kb.kb_eal_cleanup();
        if (error < 0)
            OnLog(new DpdkLogEntry(DpdkLogLevel.Error, "EAL", DpdkException.From("rte_eal_cleanup", error).Message));
    }

    private void ReadFacts()
    {
        Tsc.Calibrate();
        HasHugepages = Kb.kb_eal_has_hugepages() != 0;
        IovaMode = Kb.kb_eal_iova_mode() == 1 ? IovaMode.Physical : IovaMode.Virtual;
    }

    private void Abandon()
    {
        _thread.Stop();
        Kb.kb_log_close();
        _pump.Dispose();
    }

    private void OnLog(DpdkLogEntry entry)
    {
        if (_starting)
            _startLog.Add(entry);
        if (_log is not null)
            _log(entry);
        else if (entry.Level <= DpdkLogLevel.Warning && entry.Level > DpdkLogLevel.Critical)
            Console.Error.WriteLine($"{entry.Component}: {entry.Message}"); // the shim wrote the worse ones itself
    }

    private void OnPortEvent(PortEvent portEvent) => PortEventOccurred?.Invoke(portEvent);
}
