using System.Diagnostics;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace KernelBypass.Grpc.Tests;

/// <summary>A program of another gRPC implementation.</summary>
internal static class PeerProcess
{
    /// <summary>Debian's python, which has grpcio and protobuf as packages (python3-grpcio, python3-protobuf).</summary>
    public const string Python = "/usr/bin/python3";

    private static readonly SemaphoreSlim s_installing = new(1);

    public static string Folder => Path.Combine(AppContext.BaseDirectory, "Peers");

    public static string ProtoRoot => Path.Combine(AppContext.BaseDirectory, "proto");

    /// <summary>Runs a program to its end.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(
        string program, string folder, TimeSpan limit, params string[] arguments)
    {
        using var process = Start(program, folder, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var timeout = new CancellationTokenSource(limit);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} did not end within {limit}:\n{await output}\n{await errors}");
        }

        return (process.ExitCode, await output + await errors);
    }

    public static Process Start(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        // The test host's own settings are none of the peer's business.
        start.Environment.Remove("http_proxy");
        start.Environment.Remove("https_proxy");
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InvalidOperationException(
                $"{program} can't be run: the interop tests need /usr/bin/python3 with python3-grpcio, and node with npm.", e);
        }
    }

    /// <summary>The descriptors of every service here, for peers without generated code.</summary>
    public static string WriteDescriptors()
    {
        var set = new FileDescriptorSet();
        foreach (var file in new[]
        {
            global::Grpc.Testing.EmptyReflection.Descriptor,
            global::Grpc.Testing.MessagesReflection.Descriptor,
            global::Grpc.Testing.TestReflection.Descriptor,
            global::Grpc.Health.V1.HealthReflection.Descriptor,
            global::Grpc.Reflection.V1.ReflectionReflection.Descriptor,
            global::Grpc.Reflection.V1Alpha.ReflectionReflection.Descriptor,
        })
        {
            set.File.Add(FileDescriptorProto.Parser.ParseFrom(file.SerializedData));
        }

        string path = Path.Combine(Path.GetTempPath(), $"kb-grpc-{Guid.NewGuid():N}.binpb");
        File.WriteAllBytes(path, set.ToByteArray());
        return path;
    }

    /// <summary>Installs the pinned packages of the node programs, once an output folder.</summary>
    public static async Task<string> InstallNodePackagesAsync()
    {
        string folder = Path.Combine(Folder, "node");
        await s_installing.WaitAsync();
        try
        {
            if (!File.Exists(Path.Combine(folder, "node_modules", ".package-lock.json")))
            {
                var (exitCode, output) = await RunAsync(
                    "npm", folder, TimeSpan.FromMinutes(3), "ci", "--no-audit", "--no-fund", "--ignore-scripts");
                Assert.True(exitCode == 0, "npm ci failed (it needs the npm registry or its cache): " + output);
            }

            return folder;
        }
        finally
        {
            s_installing.Release();
        }
    }
}
