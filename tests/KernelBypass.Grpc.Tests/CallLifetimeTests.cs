using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace KernelBypass.Grpc.Tests;

/// <summary>How calls end: errors, limits, deadlines, cancellation and shutdown, seen from both sides.</summary>
public sealed class CallLifetimeTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_exception_is_unknown_and_keeps_its_secrets(bool detailed)
    {
        var service = new ScriptedService { Unary = (_, _) => throw new FormatException("secret") };
        await using var server = await StartAsync(service, o => o.EnableDetailedErrors = detailed);
        var error = await FailsAsync(server.Client().UnaryCallAsync(new SimpleRequest()));
        Assert.Equal(StatusCode.Unknown, error.StatusCode);
        Assert.Equal(detailed, error.Status.Detail.Contains("secret", StringComparison.Ordinal));
        Assert.Contains(server.Log.Entries, e => e.Message.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_status_with_trailers_reaches_the_client()
    {
        var service = new ScriptedService
        {
            Unary = (_, context) =>
            {
                context.ResponseTrailers.Add("first", "1");
                var trailers = new Metadata { { "second-bin", [0, 255] } };
                throw new RpcException(new Status(StatusCode.OutOfRange, "ünïcode\n%"), trailers);
            },
        };
        await using var server = await StartAsync(service);
        var error = await FailsAsync(server.Client().UnaryCallAsync(new SimpleRequest()));
        Assert.Equal((StatusCode.OutOfRange, "ünïcode\n%"), (error.StatusCode, error.Status.Detail));
        Assert.Equal("1", error.Trailers.GetValue("first"));
        Assert.Equal([0, 255], error.Trailers.GetValueBytes("second-bin"));
    }

    [Fact]
    public async Task A_status_set_by_the_handler_replaces_the_response()
    {
        var service = new ScriptedService
        {
            Unary = (_, context) =>
            {
                context.Status = new Status(StatusCode.Aborted, "no");
                return Task.FromResult(new SimpleResponse());
            },
        };
        await using var server = await StartAsync(service);
        Assert.Equal(StatusCode.Aborted, (await FailsAsync(server.Client().UnaryCallAsync(new SimpleRequest()))).StatusCode);
    }

    [Fact]
    public async Task Reserved_trailers_are_an_error_of_the_handler()
    {
        var service = new ScriptedService
        {
            Unary = (_, context) =>
            {
                context.ResponseTrailers.Add("grpc-status", "0");
                return Task.FromResult(new SimpleResponse());
            },
        };
        await using var server = await StartAsync(service);
        Assert.Equal(StatusCode.Unknown, (await FailsAsync(server.Client().UnaryCallAsync(new SimpleRequest()))).StatusCode);
    }

    [Fact]
    public async Task Limits_of_message_size_hold_on_both_sides()
    {
        var service = new ScriptedService { Unary = (r, _) => Task.FromResult(Sized(r.ResponseSize)) };
        await using var server = await StartAsync(service, o =>
        {
            o.MaxReceiveMessageSize = 1000;
            o.MaxSendMessageSize = 2000;
        });
        var client = server.Client();
        Assert.Equal(900, (await client.UnaryCallAsync(new SimpleRequest { ResponseSize = 900 })).Payload.Body.Length);
        await ExhaustedAsync(client.UnaryCallAsync(new SimpleRequest { Payload = Sized(1001).Payload }));
        await ExhaustedAsync(client.UnaryCallAsync(new SimpleRequest { ResponseSize = 2001 }));
        using var small = GrpcChannel.ForAddress(
            server.Address, new GrpcChannelOptions { MaxReceiveMessageSize = 500, MaxSendMessageSize = 500 });
        var limited = new TestService.TestServiceClient(small);
        await ExhaustedAsync(limited.UnaryCallAsync(new SimpleRequest { ResponseSize = 600 }));
        await ExhaustedAsync(limited.UnaryCallAsync(new SimpleRequest { Payload = Sized(600).Payload }));
    }

    [Fact]
    public async Task Messages_larger_than_every_window_pass()
    {
        var service = new ScriptedService { Unary = (r, _) => Task.FromResult(Sized(r.Payload.Body.Length)) };
        await using var server = await StartAsync(service, o => o.MaxReceiveMessageSize = null);
        using var channel = GrpcChannel.ForAddress(server.Address, new GrpcChannelOptions { MaxReceiveMessageSize = null });
        const int Size = 20_000_000;
        var response = await new TestService.TestServiceClient(channel).UnaryCallAsync(
            new SimpleRequest { Payload = Sized(Size).Payload });
        Assert.Equal(Size, response.Payload.Body.Length);
    }

    [Fact]
    public async Task The_deadline_cancels_the_handler()
    {
        var cancelled = new TaskCompletionSource();
        DateTime? seen = null;
        var service = new ScriptedService
        {
            Unary = async (_, context) =>
            {
                seen = context.Deadline;
                context.CancellationToken.Register(cancelled.SetResult);
                await cancelled.Task;
                return new SimpleResponse();
            },
        };
        await using var server = await StartAsync(service);
        var deadline = DateTime.UtcNow.AddMilliseconds(200);
        var error = await FailsAsync(server.Client().UnaryCallAsync(new SimpleRequest(), deadline: deadline));
        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        await cancelled.Task.WaitAsync(s_patience);
        Assert.InRange(seen!.Value, deadline.AddSeconds(-5), deadline.AddSeconds(20));
    }

    [Fact]
    public async Task A_cancelled_call_cancels_its_handler()
    {
        var started = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        var service = new ScriptedService
        {
            Duplex = async (requests, _, context) =>
            {
                started.SetResult();
                try
                {
                    await requests.MoveNext();
                }
                catch (OperationCanceledException)
                {
                    cancelled.SetResult();
                    throw;
                }
            },
        };
        await using var server = await StartAsync(service);
        using (var call = server.Client().FullDuplexCall())
            await started.Task.WaitAsync(s_patience);
        await cancelled.Task.WaitAsync(s_patience);
    }

    [Fact]
    public async Task A_handler_that_writes_to_a_client_that_has_gone_is_cancelled()
    {
        var ended = new TaskCompletionSource<Exception>();
        var service = new ScriptedService
        {
            Duplex = async (_, responses, _) =>
            {
                try
                {
                    while (true)
                        await responses.WriteAsync(new StreamingOutputCallResponse { Payload = Sized(10_000).Payload });
                }
                catch (Exception e)
                {
                    ended.SetResult(e);
                    throw;
                }
            },
        };
        await using var server = await StartAsync(service);
        using (var call = server.Client().FullDuplexCall())
            Assert.True(await call.ResponseStream.MoveNext());
        Assert.IsAssignableFrom<OperationCanceledException>(await ended.Task.WaitAsync(s_patience));
    }

    [Fact]
    public async Task More_calls_than_allowed_are_resource_exhausted()
    {
        var release = new TaskCompletionSource();
        var started = new SemaphoreSlim(0);
        var service = new ScriptedService
        {
            Unary = async (_, _) =>
            {
                started.Release();
                await release.Task;
                return new SimpleResponse();
            },
        };
        await using var server = await StartAsync(service, o => o.MaxConcurrentCalls = 2);
        var client = server.Client();
        var running = new[] { client.UnaryCallAsync(new SimpleRequest()), client.UnaryCallAsync(new SimpleRequest()) };
        Assert.True(await started.WaitAsync(s_patience) && await started.WaitAsync(s_patience));
        await ExhaustedAsync(client.UnaryCallAsync(new SimpleRequest()));
        release.SetResult();
        foreach (var call in running)
            await call;
        await client.UnaryCallAsync(new SimpleRequest());
    }

    [Fact]
    public async Task A_stopping_server_lets_calls_end_and_then_ends_them()
    {
        var started = new SemaphoreSlim(0);
        var finish = new TaskCompletionSource();
        var service = new ScriptedService
        {
            Unary = async (_, _) =>
            {
                started.Release();
                await finish.Task;
                return new SimpleResponse();
            },
            Duplex = async (requests, _, context) =>
            {
                started.Release();
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            },
        };
        await using var server = await StartAsync(service, o => o.ShutdownGracePeriod = TimeSpan.FromMilliseconds(500));
        using var endless = server.Client().FullDuplexCall();
        var unary = server.Client().UnaryCallAsync(new SimpleRequest());
        Assert.True(await started.WaitAsync(s_patience) && await started.WaitAsync(s_patience));
        var stop = server.StopAsync();
        finish.SetResult();
        await unary;
        var error = await Assert.ThrowsAsync<RpcException>(() => endless.ResponseStream.MoveNext());
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        await stop.WaitAsync(s_patience);
    }

    [Fact]
    public async Task The_deadline_of_a_server_call_holds_for_the_calls_it_makes()
    {
        StatusCode? inner = null;
        GrpcTestServer? server = null;
        var service = new ScriptedService
        {
            Unary = async (request, context) =>
            {
                if (request.ResponseSize == 0)
                    await Task.Delay(Timeout.Infinite, context.CancellationToken);
                var options = new CallOptions(propagationToken: context.CreatePropagationToken());
                inner = (await FailsAsync(server!.Client().UnaryCallAsync(new SimpleRequest(), options))).StatusCode;
                return new SimpleResponse();
            },
        };
        await using (server = await StartAsync(service))
        {
            var outer = server.Client().UnaryCallAsync(
                new SimpleRequest { ResponseSize = 1 }, deadline: DateTime.UtcNow.AddMilliseconds(300));
            Assert.Equal(StatusCode.DeadlineExceeded, (await FailsAsync(outer)).StatusCode);
            Assert.True(SpinWait.SpinUntil(() => inner is not null, s_patience));
            Assert.Contains(inner!.Value, new[] { StatusCode.DeadlineExceeded, StatusCode.Cancelled });
        }
    }

    private static Task<GrpcTestServer> StartAsync(ScriptedService service, Action<GrpcServiceOptions>? options = null) =>
        GrpcTestServer.StartAsync(app => app.MapGrpcService<ScriptedService>(), options, s => s.AddSingleton(service));

    private static async Task<RpcException> FailsAsync<T>(AsyncUnaryCall<T> call) =>
        await Assert.ThrowsAsync<RpcException>(async () => await call.ResponseAsync.WaitAsync(s_patience));

    private static async Task ExhaustedAsync<T>(AsyncUnaryCall<T> call) =>
        Assert.Equal(StatusCode.ResourceExhausted, (await FailsAsync(call)).StatusCode);

    private static SimpleResponse Sized(int size) =>
        new() { Payload = new Payload { Body = Google.Protobuf.ByteString.CopyFrom(new byte[size]) } };
}
