using Google.Protobuf;
using Grpc.Core;
using KernelBypass.EndToEnd.Tests.Lab;
using KernelBypass.V1;

namespace KernelBypass.EndToEnd.Tests.Control;

/// <summary>What is wrong is refused with the right status, named, and leaves nothing behind.</summary>
[Collection("machine")]
public class ErrorTests(ThreeHosts lab)
{
    [Theory]
    [InlineData("table=0,priority=1,ipv4_dst=10.0.0.1 actions=output:1", "ipv4_dst")]
    [InlineData("table=0,priority=1,ip,tcp_dst=80 actions=output:1", "tcp_dst")]
    [InlineData("table=0,priority=1 actions=goto_table:0", "goto_table")]
    [InlineData("table=200,priority=1 actions=output:1", "limits.tables")]
    [InlineData("table=0,priority=1 actions=set_field:ipv4_dst=10.0.0.1,output:1", "ipv4_dst")]
    [InlineData("table=0,priority=1 actions=pop_vlan,output:1", "vlan")]
    public void A_bad_flow_names_its_field(string flow, string named)
    {
        lab.Reset();
        var result = lab.Switch.Kbctl("flow", "add", flow);
        Assert.Equal(2, result.Code);
        Assert.Contains("InvalidArgument", result.Error, StringComparison.Ordinal);
        Assert.Contains(named, result.Error, StringComparison.Ordinal);
        Assert.Empty(lab.Switch.ReadFlows());
    }

    [Fact]
    public void A_flow_to_an_unknown_port_is_refused_until_the_port_is_there()
    {
        lab.Reset();
        var result = lab.Switch.Kbctl("flow", "add", "table=0,priority=1 actions=output:99");
        Assert.Equal(2, result.Code);
        Assert.Contains("FailedPrecondition", result.Error, StringComparison.Ordinal);
        Assert.Contains("attach it first", result.Error, StringComparison.Ordinal);
        Assert.Empty(lab.Switch.ReadFlows());
    }

    [Fact]
    public void All_or_nothing_applies_nothing_when_one_is_wrong()
    {
        lab.Reset();
        var request = new WriteRequest { Atomicity = WriteRequest.Types.Atomicity.AllOrNothing };
        request.Updates.Add(Insert(1, output: 1));
        request.Updates.Add(Insert(2, output: 4711));
        var error = Assert.Throws<RpcException>(() => lab.Switch.Flows.Write(request));
        Assert.Equal(StatusCode.FailedPrecondition, error.StatusCode);
        Assert.Equal("1", error.Trailers.GetValue("kernelbypass-failed-update"));
        Assert.Empty(lab.Switch.ReadFlows());
    }

    [Fact]
    public void Continue_on_error_tells_each_result()
    {
        lab.Reset();
        var request = new WriteRequest();
        request.Updates.Add(Insert(1, output: 1));
        request.Updates.Add(Insert(2, output: 4711));
        request.Updates.Add(Insert(3, output: 2));
        var answer = lab.Switch.Flows.Write(request);
        Assert.Equal(2u, answer.Applied);
        Assert.Equal([0, (int)StatusCode.FailedPrecondition, 0], answer.Results.Select(result => result.Code));
        Assert.Equal(2, lab.Switch.ReadFlows().Count);
    }

    [Fact]
    public void Overlap_is_refused_when_asked()
    {
        lab.Reset();
        lab.Switch.AddFlows("priority=5,ip,ipv4_dst=10.0.0.0/8 actions=output:1");
        var result = lab.Switch.Kbctl("flow", "add", "priority=5,check_overlap,ip,ipv4_dst=10.1.0.0/16 actions=output:2");
        Assert.Contains("FailedPrecondition", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Deleting_everything_must_be_said()
    {
        var error = Assert.Throws<RpcException>(() => lab.Switch.Flows.Delete(new DeleteFlowsRequest()));
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
    }

    [Fact]
    public void An_absent_device_is_refused_with_its_name_and_nothing_is_attached()
    {
        var result = lab.Switch.Kbctl("port", "attach", "ghost", "net_af_packet9,iface=nosuchif");
        Assert.Equal(2, result.Code);
        Assert.Contains("nosuchif", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(lab.Switch.Ports.List(new ListPortsRequest()).Ports, port => port.Config.Name == "ghost");
    }

    [Fact]
    public void A_name_or_number_in_use_is_refused()
    {
        Assert.Contains("AlreadyExists", lab.Switch.Kbctl("port", "attach", "h1", "net_null7").Error, StringComparison.Ordinal);
        Assert.Contains("AlreadyExists", lab.Switch.Kbctl("port", "attach", "h9", "net_null7", "--number", "1").Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_disconnects_in_mid_stream_harms_nobody()
    {
        lab.Reset();
        using (var stop = new CancellationTokenSource())
        {
            using var call = lab.Switch.Flows.WriteStream(cancellationToken: stop.Token);
            for (var i = 0; i < 100; i++)
            {
                var request = new WriteRequest { Id = (ulong)i };
                for (var j = 0; j < 100; j++) request.Updates.Add(Insert((uint)(i * 100 + j + 1), output: 1));
                await call.RequestStream.WriteAsync(request);
            }

            await stop.CancelAsync();
        }

        lab.Switch.AddFlows("priority=0,cookie=0x5 actions=normal");
        Assert.Equal(3, lab.H1.Ping(lab.H2.Address));
        lab.Reset();
        Assert.Empty(lab.Switch.ReadFlows());
    }

    private static FlowUpdate Insert(uint udpPort, uint output)
    {
        var flow = new Flow { Priority = 10, Instructions = new Instructions() };
        flow.Instructions.ApplyActions.Add(new V1.Action { Output = new() { Port = output } });
        flow.Match.Add(new FieldMatch { Field = Field.EthType, Value = ByteString.CopyFrom(8, 0) });
        flow.Match.Add(new FieldMatch { Field = Field.IpProto, Value = ByteString.CopyFrom(17) });
        flow.Match.Add(new FieldMatch { Field = Field.UdpDst, Value = ByteString.CopyFrom((byte)(udpPort >> 8), (byte)udpPort) });
        return new FlowUpdate { Type = FlowUpdate.Types.Type.Insert, Flow = flow };
    }
}
