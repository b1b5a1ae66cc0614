using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Grpc.AspNetCore.Server;

/// <summary>Who a client is: its address in gRPC's notation (doc/naming.md), and what its certificate says.</summary>
internal static class PeerAddress
{
    public static string Format(ConnectionInfo connection)
    {
        var address = connection.RemoteIpAddress;
        if (address is null)
            return "unix:";
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetwork
            ? $"ipv4:{address}:{connection.RemotePort}"
            : $"ipv6:[{address}]:{connection.RemotePort}";
    }

    public static AuthContext Authenticate(ConnectionInfo connection)
    {
        const string CommonName = "x509_common_name";
        const string AlternativeName = "x509_subject_alternative_name";
        var properties = new Dictionary<string, List<AuthProperty>>();
        if (connection.ClientCertificate is not { } certificate)
            return new AuthContext(null, properties);
        string identity = CommonName;
        Add(CommonName, certificate.GetNameInfo(X509NameType.SimpleName, false));
        foreach (var extension in certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>())
        {
            foreach (string name in extension.EnumerateDnsNames())
            {
                Add(AlternativeName, name);
                identity = AlternativeName;
            }
        }

        return new AuthContext(identity, properties);

        void Add(string name, string value)
        {
            if (!properties.TryGetValue(name, out var list))
                properties.Add(name, list = []);
            list.Add(AuthProperty.Create(name, Encoding.UTF8.GetBytes(value)));
        }
    }
}
