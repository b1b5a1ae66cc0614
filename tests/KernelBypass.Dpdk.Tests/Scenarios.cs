namespace KernelBypass.Dpdk.Tests;

/// <summary>What children do; a failure is an exception.</summary>
internal static class Scenarios
{
    internal static readonly IReadOnlyDictionary<string, Action<string[]>> All = new Dictionary<string, Action<string[]>>
    {
        ["init"] = Init,
        ["init-twice"] = InitTwice,
        ["cleanup"] = Cleanup,
        ["hold"] = Hold,
    };

    private static EalOptions Plain => new() { Lcores = "0@0", NoHuge = true, NoPci = true, MemoryMegabytes = 64 };

    /// <summary>Starts EAL with options given as name=value.</summary>
    private static void Init(string[] arguments)
    {
        EalOptions options = Plain;
        foreach (string argument in arguments)
        {
            string[] pair = argument.Split('=', 2);
            options = pair[0] switch
            {
                "prefix" => options with { FilePrefix = pair[1] },
                "lcores" => options with { Lcores = pair[1] },
                "vdev" => options with { Vdevs = [pair[1]] },
                "extra" => options with { ExtraArguments = [pair[1]] },
                "memory" => options with { MemoryMegabytes = uint.Parse(pair[1]) },
                "huge" => options with { NoHuge = false, InMemory = pair[1] == "memory" },
                _ => throw new ArgumentException(argument),
            };
        }

        using Eal eal = Eal.Initialize(options, _ => { });
        Console.WriteLine($"up {eal.Options.EffectiveFilePrefix}");
    }

    private static void InitTwice(string[] arguments)
    {
        Eal.Initialize(Plain, _ => { }).Dispose();
        Eal.Initialize(Plain, _ => { });
    }

    /// <summary>Prints the directory while EAL runs, and leaves nothing.</summary>
    private static void Cleanup(string[] arguments)
    {
        var options = new EalOptions { Lcores = "0@0", NoHuge = true, NoPci = true, MemoryMegabytes = 64, Telemetry = true };
        Eal eal = Eal.Initialize(options, _ => { });
        string directory = EalRuntimeDirectory.Of(options);
        Console.WriteLine($"{directory} {Directory.Exists(directory)}");
        eal.Dispose();
        Console.WriteLine($"{directory} {Directory.Exists(directory)}");
    }

    /// <summary>Holds a prefix while another child asks for it.</summary>
    private static void Hold(string[] arguments)
    {
        using Eal eal = Eal.Initialize(Plain with { FilePrefix = arguments[0] }, _ => { });
        (int code, string output) = ChildProcess.Run("init", $"prefix={arguments[0]}");
        Console.WriteLine($"{code} {output}");
    }
}
