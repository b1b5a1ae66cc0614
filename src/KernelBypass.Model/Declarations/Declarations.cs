namespace KernelBypass.Model.Declarations;

/// <summary>How a metric behaves.</summary>
public enum MetricKind : byte
{
    /// <summary>Only ever grows while the process lives.</summary>
    Counter = 0,

    /// <summary>Goes up and down.</summary>
    Gauge = 1,
}

/// <summary>One metric, declared once, beside the code that counts it.</summary>
/// <param name="Name">Prometheus style, unit last, without the <c>_total</c> suffix: <c>kernelbypass_port_rx_packets</c>.</param>
/// <param name="Unit">UCUM unit as OpenTelemetry wants it: <c>{packet}</c>, <c>By</c>, <c>ns</c>, <c>1</c>.</param>
/// <param name="Description">One sentence.</param>
/// <param name="Kind">Counter or gauge.</param>
/// <param name="Labels">Label names, in the order in which values are given.</param>
public sealed record MetricDeclaration(string Name, string Unit, string Description, MetricKind Kind, params string[] Labels);

/// <summary>One reason for dropping a packet, declared by the stage that drops.</summary>
/// <param name="Name">Lower snake case, unique in the data plane, e.g. <c>ipv4_bad_header_length</c>.</param>
/// <param name="Description">One sentence: what was wrong and, where there is one, the remedy.</param>
public sealed record DropReasonDeclaration(string Name, string Description);

/// <summary>One option of a stage.</summary>
/// <param name="Name">Key in the stage's <c>options</c> map.</param>
/// <param name="Default">Default as text.</param>
/// <param name="Minimum">Least value of a number.</param>
/// <param name="Maximum">Greatest value of a number.</param>
/// <param name="Description">One sentence with the unit.</param>
public sealed record OptionDeclaration(string Name, long Default, long Minimum, long Maximum, string Description);

/// <summary>One kind of stage.</summary>
/// <param name="Kind">Name in configuration, e.g. <c>classify</c>.</param>
/// <param name="Description">One sentence.</param>
/// <param name="Options">Its options.</param>
/// <param name="DropReasons">Its reasons for dropping.</param>
/// <param name="Metrics">Its own metrics, apart from those that every stage has.</param>
public sealed record StageDeclaration(
    string Kind,
    string Description,
    IReadOnlyList<OptionDeclaration> Options,
    IReadOnlyList<DropReasonDeclaration> DropReasons,
    IReadOnlyList<MetricDeclaration> Metrics);
