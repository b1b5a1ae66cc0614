using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.HealthCheck;
using Grpc.Reflection.V1;
using Grpc.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using static Grpc.Health.V1.HealthCheckResponse.Types;
using Alpha = Grpc.Reflection.V1Alpha;

namespace KernelBypass.Grpc.Tests;

/// <summary>grpc.health.v1 and grpc.reflection, as a client sees them.</summary>
public sealed class HealthAndReflectionTests : IAsyncLifetime
{
    private GrpcTestServer _server = null!;

    private HealthServiceImpl Service => _server.Services.GetRequiredService<HealthServiceImpl>();

    private Health.HealthClient HealthClient => new(_server.Channel);

    public async Task InitializeAsync() => _server = await GrpcTestServer.StartAsync(
        app =>
        {
            app.MapGrpcService<TestServiceImpl>();
            app.MapGrpcHealthService();
            app.MapGrpcReflectionService();
        },
        services: s => s.AddGrpcHealthService().AddGrpcReflection());

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    [Fact]
    public async Task Check_tells_the_status_and_not_found()
    {
        Assert.Equal(ServingStatus.Serving, (await HealthClient.CheckAsync(new HealthCheckRequest())).Status);
        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await HealthClient.CheckAsync(new HealthCheckRequest { Service = "a" }));
        Assert.Equal(StatusCode.NotFound, error.StatusCode);
        Service.SetStatus("a", ServingStatus.NotServing);
        Assert.Equal(ServingStatus.NotServing, (await HealthClient.CheckAsync(new HealthCheckRequest { Service = "a" })).Status);
        Service.ClearStatus("a");
        error = await Assert.ThrowsAsync<RpcException>(
            async () => await HealthClient.CheckAsync(new HealthCheckRequest { Service = "a" }));
        Assert.Equal(StatusCode.NotFound, error.StatusCode);
    }

    [Fact]
    public async Task Watch_tells_each_change()
    {
        using var watch = HealthClient.Watch(new HealthCheckRequest { Service = "a" });
        Assert.Equal(ServingStatus.ServiceUnknown, await NextAsync());
        Service.SetStatus("a", ServingStatus.Serving);
        Assert.Equal(ServingStatus.Serving, await NextAsync());
        Service.SetStatus("a", ServingStatus.Serving);
        Service.SetStatus("a", ServingStatus.NotServing);
        Assert.Equal(ServingStatus.NotServing, await NextAsync());
        Service.ClearAll();
        Assert.Equal(ServingStatus.ServiceUnknown, await NextAsync());

        async Task<ServingStatus> NextAsync()
        {
            Assert.True(await watch.ResponseStream.MoveNext());
            return watch.ResponseStream.Current.Status;
        }
    }

    [Fact]
    public async Task A_stopping_server_is_not_serving_and_ends_watches()
    {
        using var watch = HealthClient.Watch(new HealthCheckRequest());
        Assert.True(await watch.ResponseStream.MoveNext());
        var stop = _server.StopAsync();
        Assert.True(await watch.ResponseStream.MoveNext());
        Assert.Equal(ServingStatus.NotServing, watch.ResponseStream.Current.Status);
        var error = await Assert.ThrowsAsync<RpcException>(() => watch.ResponseStream.MoveNext());
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        await stop;
    }

    [Fact]
    public async Task Reflection_lists_services()
    {
        var answer = await AskAsync(new ServerReflectionRequest { ListServices = "", Host = "h" });
        Assert.Equal("h", answer.ValidHost);
        Assert.Equal(
            [
                "grpc.health.v1.Health",
                "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection",
                "grpc.testing.TestService",
            ],
            answer.ListServicesResponse.Service.Select(s => s.Name));
    }

    [Theory]
    [InlineData("grpc.testing.TestService")]
    [InlineData("grpc.testing.TestService.UnaryCall")]
    public async Task Reflection_finds_files_by_symbol_with_their_imports(string symbol)
    {
        var answer = await AskAsync(new ServerReflectionRequest { FileContainingSymbol = symbol });
        var files = answer.FileDescriptorResponse.FileDescriptorProto.Select(FileDescriptorProto.Parser.ParseFrom);
        Assert.Equal(
            ["grpc/testing/empty.proto", "grpc/testing/messages.proto", "grpc/testing/test.proto"],
            files.Select(f => f.Name).Order());
    }

    [Theory]
    [InlineData("grpc.testing.SimpleRequest")]
    [InlineData("grpc.testing.SimpleRequest.response_size")]
    [InlineData("grpc.testing.PayloadType")]
    [InlineData("grpc.testing.COMPRESSABLE")]
    public async Task Reflection_finds_messages_fields_enums_and_values(string symbol)
    {
        var answer = await AskAsync(new ServerReflectionRequest { FileContainingSymbol = symbol });
        var file = FileDescriptorProto.Parser.ParseFrom(answer.FileDescriptorResponse.FileDescriptorProto.Single());
        Assert.Equal("grpc/testing/messages.proto", file.Name);
    }

    [Fact]
    public async Task Reflection_finds_files_by_name_and_says_what_is_not_there()
    {
        var file = await AskAsync(new ServerReflectionRequest { FileByFilename = "grpc/testing/empty.proto" });
        Assert.Single(file.FileDescriptorResponse.FileDescriptorProto);
        var extensions = await AskAsync(new ServerReflectionRequest { AllExtensionNumbersOfType = "grpc.testing.SimpleRequest" });
        Assert.Empty(extensions.AllExtensionNumbersResponse.ExtensionNumber);
        foreach (var request in new ServerReflectionRequest[]
        {
            new() { FileByFilename = "none.proto" },
            new() { FileContainingSymbol = "no.Such" },
            new() { AllExtensionNumbersOfType = "no.Such" },
            new() { FileContainingExtension = new ExtensionRequest { ContainingType = "no.Such", ExtensionNumber = 1 } },
        })
        {
            var answer = await AskAsync(request);
            Assert.Equal((int)StatusCode.NotFound, answer.ErrorResponse.ErrorCode);
            Assert.Equal(request, answer.OriginalRequest);
        }

        Assert.Equal((int)StatusCode.InvalidArgument, (await AskAsync(new ServerReflectionRequest())).ErrorResponse.ErrorCode);
    }

    [Fact]
    public async Task Reflection_v1alpha_answers_the_same()
    {
        var client = new Alpha.ServerReflection.ServerReflectionClient(_server.Channel);
        using var call = client.ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new Alpha.ServerReflectionRequest { FileByFilename = "grpc/testing/test.proto" });
        Assert.True(await call.ResponseStream.MoveNext());
        Assert.Equal(3, call.ResponseStream.Current.FileDescriptorResponse.FileDescriptorProto.Count);
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
    }

    private async Task<ServerReflectionResponse> AskAsync(ServerReflectionRequest request)
    {
        using var call = new ServerReflection.ServerReflectionClient(_server.Channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(request);
        Assert.True(await call.ResponseStream.MoveNext());
        var answer = call.ResponseStream.Current;
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
        return answer;
    }
}
