using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;

namespace KernelBypass.Daemon.Configuration;

/// <summary>An option of a kind of stage, as the data plane declares it.</summary>
internal sealed record StageOption(string Name, long Minimum, long Maximum);

/// <summary>A kind of stage, as the data plane declares it.</summary>
internal sealed record StageKindDescription(string Kind, IReadOnlyList<StageOption> Options);

/// <summary>What a data-plane program says of itself: the kinds of stage it has, and the chain it runs unless told another.</summary>
internal sealed record DataPlaneDescription(IReadOnlyList<StageKindDescription> Kinds, IReadOnlyList<string> DefaultStages)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    /// <summary>Asks the program: runs it with <c>--describe</c>, which opens no device and takes no memory.</summary>
    /// <param name="program">Path of the executable.</param>
    /// <exception cref="InvalidOperationException">It cannot be run, fails, takes over 20 s or answers something else.</exception>
    internal static DataPlaneDescription Ask(string program)
    {
        var start = new ProcessStartInfo(program, ["--describe"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(s_patience))
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
                throw new InvalidOperationException($"it has not answered within {s_patience.TotalSeconds:0} s");
            }

            process.WaitForExit();
            if (process.ExitCode != 0)
                throw new InvalidOperationException($"it ended with {process.ExitCode}: {FirstLine(errors.Result)}");
            return Parse(output.Result);
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException(e.Message, e);
        }
    }

    /// <summary>Reads the program's answer.</summary>
    /// <exception cref="InvalidOperationException">It is not such an answer.</exception>
    internal static DataPlaneDescription Parse(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            return new(
                [.. root.GetProperty("stages").EnumerateArray().Select(ReadKind)],
                [.. root.GetProperty("default_stages").EnumerateArray().Select(stage => stage.GetString()!)]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidOperationException($"its answer is not a description of stages ({e.Message})", e);
        }
    }

    /// <summary>A kind by its name, or null.</summary>
    internal StageKindDescription? Find(string kind) => Kinds.FirstOrDefault(known => known.Kind == kind);

    private static StageKindDescription ReadKind(JsonElement kind) => new(
        kind.GetProperty("kind").GetString()!,
        [.. kind.GetProperty("options").EnumerateArray().Select(option => new StageOption(
            option.GetProperty("name").GetString()!,
            option.GetProperty("minimum").GetInt64(),
            option.GetProperty("maximum").GetInt64()))]);

    private static string FirstLine(string text) => text.Trim().Split('\n')[0];
}
