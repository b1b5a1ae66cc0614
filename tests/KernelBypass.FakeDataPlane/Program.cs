using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using KernelBypass.FakeDataPlane;

// FakeDataPlane --config FILE, as kernelbypass-dataplane is started. KB_FAKE_EXIT=N: end at once with this code.
if (Environment.GetEnvironmentVariable("KB_FAKE_EXIT") is { Length: > 0 } code) return int.Parse(code, null);
if (args is ["--load", var socket, var flows, var batch]) return await FlowLoad.RunAsync(socket, int.Parse(flows, null), int.Parse(batch, null));
var path = args[Array.IndexOf(args, "--config") + 1];
var bytes = File.ReadAllBytes(path);
using var document = JsonDocument.Parse(bytes);
using var fake = new FakeSwitch(document.RootElement.GetProperty("run_dir").GetString()!, Convert.ToHexStringLower(SHA256.HashData(bytes)));
using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
{
    signal.Cancel = true;
    fake.Shutdown(0);
});
Console.WriteLine($"fake data plane {Environment.ProcessId} serves {fake.Directory}");
fake.Run();
return 0;
