using System.Xml.Linq;

namespace KernelBypass.Tidy.Tests;

/// <summary>Which project may reference which: the table in ARCHITECTURE.md.</summary>
public class LayeringTests
{
    private static readonly Dictionary<string, string[]> s_allowed = new()
    {
        ["Model"] = [],
        ["Wire"] = [],
        ["Dpdk"] = [],
        ["Pipeline"] = ["Model", "Wire", "Dpdk"],
        ["Channel"] = ["Model"],
        ["DataPlane"] = ["Model", "Wire", "Dpdk", "Pipeline", "Channel"],
        ["Grpc"] = [],
        ["Api"] = ["Grpc"],
        ["Daemon"] = ["Model", "Channel", "Grpc", "Api"],
        ["Cli"] = ["Model", "Wire", "Grpc", "Api"],
    };

    private static readonly string[] s_projects = Repository.Sources(".csproj")
        .Where(file => file.StartsWith("src/", StringComparison.Ordinal)).ToArray();

    public static TheoryData<string> Projects => new(s_projects);

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_only_what_its_layer_allows(string project)
    {
        var name = Short(Path.GetFileNameWithoutExtension(project));
        Assert.True(s_allowed.ContainsKey(name), $"{project} is not in the layering table: add it there and to ARCHITECTURE.md");
        var references = XDocument.Load(Path.Combine(Repository.Root, project)).Descendants("ProjectReference")
            .Select(reference => Short(Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value)));
        Assert.Empty(references.Except(s_allowed[name]));
    }

    [Fact]
    public void Every_layer_of_the_table_exists()
    {
        var names = s_projects.Select(file => Short(Path.GetFileNameWithoutExtension(file)));
        Assert.Equal(s_allowed.Keys.Order(), names.Order());
    }

    private static string Short(string project) => project.Replace("KernelBypass.", "", StringComparison.Ordinal);
}
