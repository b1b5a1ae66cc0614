using KernelBypass.EndToEnd.Tests.Lab;

namespace KernelBypass.EndToEnd.Tests.Control;

/// <summary>Controllers written in other languages, from nothing but proto/.</summary>
[Collection("machine")]
public class PeerControllerTests(ThreeHosts lab)
{
    [Fact]
    public void A_python_controller_programs_flows_with_grpcio()
    {
        lab.Reset();
        var stubs = Directory.CreateTempSubdirectory("kbstubs-").FullName;
        try
        {
            var proto = Path.GetFullPath(Path.Combine(SwitchUnderTest.Programs, "..", "..", "proto"));
            Shell.Must($"protoc -I {proto} --python_out={stubs} {proto}/kernelbypass/v1/flow.proto");
            var script = Path.Combine(AppContext.BaseDirectory, "Peers", "controller.py");
            var result = Shell.Run("/usr/bin/python3", [script, lab.Switch.Socket, stubs], timeoutSeconds: 90);
            Assert.True(result.Code == 0, result.All);
            Assert.Equal("ok\n", result.Output);
        }
        finally
        {
            Directory.Delete(stubs, recursive: true);
        }
    }
}
