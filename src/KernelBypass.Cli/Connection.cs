using System.CommandLine;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using KernelBypass.Cli.Output;
using KernelBypass.V1;

namespace KernelBypass.Cli;

/// <summary>One command's connection to the switch, its options and its output.</summary>
internal sealed class Connection : IDisposable
{
    private readonly GrpcChannel _channel;
    private readonly TimeSpan _timeout;

    private Connection(ParseResult arguments, CancellationToken cancellation)
    {
        Arguments = arguments;
        Cancellation = cancellation;
        _timeout = TimeSpan.FromSeconds(arguments.GetValue(GlobalOptions.TimeoutSeconds));
        Out = new Writer(arguments.InvocationConfiguration.Output, arguments.GetValue(GlobalOptions.Json));
        _channel = Open(arguments.GetValue(GlobalOptions.Address)!, _timeout);
    }

    /// <summary>The parsed command line.</summary>
    internal ParseResult Arguments { get; }

    /// <summary>Ctrl-C.</summary>
    internal CancellationToken Cancellation { get; }

    internal Writer Out { get; }

    internal FlowService.FlowServiceClient Flows => new(_channel);

    internal PortService.PortServiceClient Ports => new(_channel);

    internal PipelineService.PipelineServiceClient Pipeline => new(_channel);

    internal PacketService.PacketServiceClient Packets => new(_channel);

    internal TraceService.TraceServiceClient Trace => new(_channel);

    /// <summary>Options for a call with one answer.</summary>
    internal CallOptions Once => new(deadline: DateTime.UtcNow + _timeout, cancellationToken: Cancellation);

    /// <summary>Options for a call that streams until it is stopped.</summary>
    internal CallOptions Stream => new(cancellationToken: Cancellation);

    /// <summary>Makes a command's action: connects, runs, and turns every failure into one line and an exit code.</summary>
    internal static Func<ParseResult, CancellationToken, Task<int>> Run(Func<Connection, Task<int>> action) =>
        async (arguments, cancellation) =>
        {
            var errors = arguments.InvocationConfiguration.Error;
            try
            {
                using var connection = new Connection(arguments, cancellation);
                return await action(connection);
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.Cancelled && cancellation.IsCancellationRequested)
            {
                return ExitCode.Ok;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return ExitCode.Ok;
            }
            catch (RpcException error) when (error.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
            {
                await errors.WriteLineAsync($"kbctl: {arguments.GetValue(GlobalOptions.Address)}: {error.Status.Detail} "
                    + $"({error.StatusCode}); is kernelbypassd running, and may you open its socket?");
                return ExitCode.Unavailable;
            }
            catch (RpcException error)
            {
                await errors.WriteLineAsync($"kbctl: refused ({error.StatusCode}): {error.Status.Detail}");
                return ExitCode.Refused;
            }
            catch (Exception error) when (error is FormatException or IOException or UnauthorizedAccessException or ArgumentException)
            {
                await errors.WriteLineAsync($"kbctl: {error.Message}");
                return ExitCode.Usage;
            }
        };

    /// <summary>Port numbers by name, for flows that name ports.</summary>
    internal async Task<Func<string, uint?>> PortResolverAsync()
    {
        var ports = await Ports.ListAsync(new ListPortsRequest(), Once);
        var numbers = ports.Ports.ToDictionary(port => port.Config.Name, port => port.Config.Number);
        return name => numbers.TryGetValue(name, out var number) ? number : null;
    }

    public void Dispose() => _channel.Dispose();

    private static GrpcChannel Open(string address, TimeSpan timeout)
    {
        const string Unix = "unix://";
        if (!address.StartsWith(Unix, StringComparison.Ordinal))
        {
            if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
                throw new FormatException($"--address {address}: expected unix:///PATH, http://HOST:PORT or https://HOST:PORT");
            return GrpcChannel.ForAddress(address);
        }

        var path = address[Unix.Length..];
        var endpoint = new UnixDomainSocketEndPoint(path);
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = timeout,
            ConnectCallback = async (_, cancellation) =>
            {
                // Else the error is "cannot assign requested address", which says nothing.
                if (!File.Exists(path)) throw new IOException($"there is no socket {path}");
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(endpoint, cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        return GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler });
    }
}
