using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Reflection.V1;

namespace Grpc.Reflection;

/// <summary>
/// Server reflection (gRPC doc/server-reflection.md): tells clients such as grpcurl which services there are, and the files
/// that declare them.
/// </summary>
public sealed class ReflectionServiceImpl : ServerReflection.ServerReflectionBase
{
    private readonly string[] _services;
    private readonly SymbolRegistry _symbols;

    /// <summary>Reflection over some services.</summary>
    public ReflectionServiceImpl(IEnumerable<ServiceDescriptor> services)
    {
        var list = services.DistinctBy(s => s.FullName).ToList();
        _services = [.. list.Select(s => s.FullName).Order(StringComparer.Ordinal)];
        _symbols = new SymbolRegistry(list.Select(s => s.File));
    }

    /// <inheritdoc/>
    public override async Task ServerReflectionInfo(
        IAsyncStreamReader<ServerReflectionRequest> requestStream,
        IServerStreamWriter<ServerReflectionResponse> responseStream,
        ServerCallContext context)
    {
        ArgumentNullException.ThrowIfNull(requestStream);
        ArgumentNullException.ThrowIfNull(responseStream);
        while (await requestStream.MoveNext())
            await responseStream.WriteAsync(Answer(requestStream.Current));
    }

    internal ServerReflectionResponse Answer(ServerReflectionRequest request)
    {
        var response = new ServerReflectionResponse { ValidHost = request.Host, OriginalRequest = request };
        switch (request.MessageRequestCase)
        {
            case ServerReflectionRequest.MessageRequestOneofCase.FileByFilename:
                SetFile(response, _symbols.FileByName(request.FileByFilename), $"file '{request.FileByFilename}'");
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol:
                string symbol = request.FileContainingSymbol;
                SetFile(response, _symbols.FileBySymbol(symbol), $"symbol '{symbol}'");
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingExtension:
                var asked = request.FileContainingExtension;
                SetFile(
                    response,
                    _symbols.FileByExtension(asked.ContainingType, asked.ExtensionNumber),
                    $"extension {asked.ExtensionNumber} of '{asked.ContainingType}'");
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType:
                SetExtensionNumbers(response, request.AllExtensionNumbersOfType);
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.ListServices:
                response.ListServicesResponse = new ListServiceResponse();
                response.ListServicesResponse.Service.Add(_services.Select(s => new ServiceResponse { Name = s }));
                break;
            default:
                SetError(response, StatusCode.InvalidArgument, "The request asks for nothing: set one of message_request.");
                break;
        }

        return response;
    }

    private static void SetFile(ServerReflectionResponse response, FileDescriptor? file, string what)
    {
        if (file is null)
        {
            SetError(response, StatusCode.NotFound, $"There is no {what} here.");
            return;
        }

        response.FileDescriptorResponse = new FileDescriptorResponse();
        response.FileDescriptorResponse.FileDescriptorProto.Add(SymbolRegistry.WithImports(file));
    }

    private void SetExtensionNumbers(ServerReflectionResponse response, string type)
    {
        if (_symbols.ExtensionNumbers(type) is not { } numbers)
        {
            SetError(response, StatusCode.NotFound, $"There is no message '{type}' here.");
            return;
        }

        response.AllExtensionNumbersResponse = new ExtensionNumberResponse { BaseTypeName = type };
        response.AllExtensionNumbersResponse.ExtensionNumber.Add(numbers);
    }

    private static void SetError(ServerReflectionResponse response, StatusCode code, string message) =>
        response.ErrorResponse = new ErrorResponse { ErrorCode = (int)code, ErrorMessage = message };
}
