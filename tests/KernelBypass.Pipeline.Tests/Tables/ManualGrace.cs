using KernelBypass.Pipeline.Engine;

namespace KernelBypass.Pipeline.Tests.Tables;

/// <summary>Grace periods that are over when the test says so.</summary>
internal sealed class ManualGrace : IGracePeriod
{
    private ulong _started;
    private ulong _passed;

    public ulong Start() => ++_started;

    public bool HasPassed(ulong token) => token <= _passed;

    /// <summary>All lcores have let go of everything unpublished so far.</summary>
    internal void Pass() => _passed = _started;
}
