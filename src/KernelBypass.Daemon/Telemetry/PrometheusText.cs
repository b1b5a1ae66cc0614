using System.Globalization;
using System.Text;
using OpenTelemetry.Metrics;

namespace KernelBypass.Daemon.Telemetry;

/// <summary>
/// Prometheus' text format, by the rules of OpenTelemetry's Prometheus compatibility specification: names with the base unit and
/// <c>_total</c> for counters, durations in seconds.
/// </summary>
internal sealed class PrometheusText
{
    private readonly StringBuilder _text = new();
    private readonly HashSet<string> _families = [];

    internal void Clear()
    {
        _text.Clear();
        _families.Clear();
    }

    internal byte[] ToBytes() => Encoding.UTF8.GetBytes(_text.ToString());

    /// <summary>Writes one metric with all its points.</summary>
    internal void Add(Metric metric)
    {
        var (name, scale) = NameOf(metric.Name, metric.Unit);
        var monotonic = metric.MetricType is MetricType.LongSum or MetricType.DoubleSum;
        if (monotonic && !name.EndsWith("_total", StringComparison.Ordinal)) name += "_total";
        // The suffix belongs to histograms; the runtime has gauges such as dotnet.assembly.count.
        if (metric.MetricType != MetricType.Histogram && name.EndsWith("_count", StringComparison.Ordinal)) name = name[..^"_count".Length];
        var histogram = metric.MetricType == MetricType.Histogram;
        // Two instruments may come to one name; a second family of that name would spoil the whole page.
        if (!_families.Add(name)) return;
        var type = histogram ? "histogram" : monotonic ? "counter" : "gauge";
        _text.Append("# HELP ").Append(name).Append(' ').Append(EscapeHelp(metric.Description.Length > 0 ? metric.Description : metric.Name)).Append('\n');
        _text.Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            switch (metric.MetricType)
            {
                case MetricType.LongSum or MetricType.LongSumNonMonotonic:
                    Sample(name, point, point.GetSumLong() * scale);
                    break;
                case MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic:
                    Sample(name, point, point.GetSumDouble() * scale);
                    break;
                case MetricType.LongGauge:
                    Sample(name, point, point.GetGaugeLastValueLong() * scale);
                    break;
                case MetricType.DoubleGauge:
                    Sample(name, point, point.GetGaugeLastValueDouble() * scale);
                    break;
                case MetricType.Histogram:
                    Histogram(name, point, scale);
                    break;
            }
        }
    }

    /// <summary>The family's name and the factor to its base unit.</summary>
    internal static (string Name, double Scale) NameOf(string name, string unit)
    {
        var text = new StringBuilder(name.Length + 8);
        foreach (var letter in name) text.Append(char.IsAsciiLetterOrDigit(letter) || letter is '_' or ':' ? letter : '_');
        var (from, to, scale) = unit switch
        {
            "ns" => ("_ns", "_seconds", 1e-9),
            "us" => ("_us", "_seconds", 1e-6),
            "ms" => ("_ms", "_seconds", 1e-3),
            "s" => ("_s", "_seconds", 1.0),
            "By" => ("_bytes", "_bytes", 1.0),
            _ => ("", "", 1.0),
        };
        var plain = text.ToString();
        if (to.Length == 0 || plain.EndsWith(to, StringComparison.Ordinal)) return (plain, scale);
        return (plain.EndsWith(from, StringComparison.Ordinal) ? plain[..^from.Length] + to : plain + to, scale);
    }

    private void Histogram(string name, in MetricPoint point, double scale)
    {
        long below = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            below += bucket.BucketCount;
            var bound = double.IsPositiveInfinity(bucket.ExplicitBound) ? "+Inf" : Number(bucket.ExplicitBound * scale);
            Sample(name + "_bucket", point, below, bound);
        }

        Sample(name + "_sum", point, point.GetHistogramSum() * scale);
        Sample(name + "_count", point, point.GetHistogramCount());
    }

    private void Sample(string name, in MetricPoint point, double value, string? bound = null)
    {
        _text.Append(name);
        var first = true;
        foreach (var (key, tag) in point.Tags) Label(NameOf(key, "").Name, Convert.ToString(tag, CultureInfo.InvariantCulture) ?? "", ref first);
        if (bound is not null) Label("le", bound, ref first);
        if (!first) _text.Append('}');
        _text.Append(' ').Append(Number(value)).Append('\n');
    }

    private void Label(string name, string value, ref bool first)
    {
        _text.Append(first ? '{' : ',').Append(name).Append("=\"");
        foreach (var letter in value)
        {
            if (letter is '\\' or '"') _text.Append('\\').Append(letter);
            else if (letter == '\n') _text.Append("\\n");
            else _text.Append(letter);
        }

        _text.Append('"');
        first = false;
    }

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : value.ToString("R", CultureInfo.InvariantCulture);

    private static string EscapeHelp(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
