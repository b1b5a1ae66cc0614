namespace KernelBypass.SwitchBench.Duts;

/// <summary>A program under test.</summary>
internal interface IDut
{
    /// <summary>Name in the report.</summary>
    string Name { get; }

    /// <summary>Starts it and waits until it forwards.</summary>
    Task StartAsync(Rig rig);

    /// <summary>Packets sent so far.</summary>
    Task<ulong> ReadPacketsAsync();

    /// <summary>Its main process.</summary>
    int Pid { get; }

    /// <summary>Stops it.</summary>
    Task StopAsync();
}
