using System.Diagnostics;

namespace KernelBypass.EndToEnd.Tests.Lab;

/// <summary>Ends a process with the scope it was started in.</summary>
internal sealed class KillOnDispose(Process process) : IDisposable
{
    public void Dispose()
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
    }
}
