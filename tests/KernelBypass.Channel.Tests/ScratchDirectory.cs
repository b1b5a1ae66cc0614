namespace KernelBypass.Channel.Tests;

/// <summary>A run directory of a test's own, gone with it.</summary>
internal sealed class ScratchDirectory : IDisposable
{
    internal RunDirectory Run { get; } = new(Directory.CreateTempSubdirectory("kb-ch-").FullName);

    public void Dispose() => Directory.Delete(Run.Path, recursive: true);
}
