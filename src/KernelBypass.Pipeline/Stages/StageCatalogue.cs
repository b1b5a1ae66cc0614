using System.Globalization;
using System.Text;
using KernelBypass.Model.Declarations;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.L2;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Stages.Actions;
using KernelBypass.Pipeline.Stages.Classify;
using KernelBypass.Pipeline.Stages.Parse;
using KernelBypass.Pipeline.Stages.Rx;
using KernelBypass.Pipeline.Stages.Tx;
using KernelBypass.Pipeline.Stages.Wire;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Stages;

/// <summary>A kind of stage: what it declares and how an instance is made for one lcore.</summary>
/// <param name="Declaration">Kind, options, drop reasons, metrics.</param>
/// <param name="Create">Makes an instance; called by the main lcore, never while packets pass through that instance.</param>
public sealed record StageKind(StageDeclaration Declaration, Func<StageContext, StageServices, Stage> Create);

/// <summary>A drop reason with its number.</summary>
/// <param name="Number">Data-plane-wide number, from 1: what stands in PacketMeta.DropReason.</param>
/// <param name="StageKind">The kind of stage that declares it; <c>engine</c> for the engine's own.</param>
/// <param name="Declaration">Its name and description.</param>
public readonly record struct NumberedDropReason(ushort Number, string StageKind, DropReasonDeclaration Declaration);

/// <summary>
/// The kinds of stage that a pipeline may name, one line each. Configuration, help, drop reason numbers and the gRPC listing come
/// from it.
/// </summary>
public sealed class StageCatalogue
{
    private readonly Dictionary<string, StageKind> _byKind = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _firstReason = new(StringComparer.Ordinal);
    private readonly List<NumberedDropReason> _reasons = [];

    /// <summary>Indexes the kinds and numbers their drop reasons in their order.</summary>
    /// <exception cref="ArgumentException">Two kinds have one name.</exception>
    public StageCatalogue(params IEnumerable<StageKind> kinds)
    {
        Number(EngineDropReasons.Owner, EngineDropReasons.All);
        foreach (var kind in kinds)
        {
            if (!_byKind.TryAdd(kind.Declaration.Kind, kind))
                throw new ArgumentException($"Two kinds of stage are called {kind.Declaration.Kind}.", nameof(kinds));
            Kinds.Add(kind);
            Number(kind.Declaration.Kind, kind.Declaration.DropReasons);
        }
    }

    /// <summary>The kinds that ship with KernelBypass.</summary>
    public static StageCatalogue Default { get; } = new(BuiltIn());

    /// <summary>All kinds, in the order of a pipeline.</summary>
    public IList<StageKind> Kinds { get; } = [];

    /// <summary>All drop reasons; the one with number n stands at index n - 1.</summary>
    public IReadOnlyList<NumberedDropReason> DropReasons => _reasons;

    /// <summary>A kind by its name, or null.</summary>
    public StageKind? Find(string kind) => _byKind.GetValueOrDefault(kind);

    /// <summary>Number of a kind's first drop reason: its reason i has this number plus i.</summary>
    public int FirstDropReason(string kind) => _firstReason[kind];

    /// <summary>The kinds as a JSON array, for the process's <c>--describe</c>.</summary>
    public string Describe()
    {
        var json = new StringBuilder("[");
        foreach (var kind in Kinds)
        {
            var declaration = kind.Declaration;
            if (json.Length > 1) json.Append(',');
            json.Append("{\"kind\":").Append(Quote(declaration.Kind));
            json.Append(",\"description\":").Append(Quote(declaration.Description));
            AppendArray(json, "options", declaration.Options, o => string.Create(
                CultureInfo.InvariantCulture,
                $"{{\"name\":{Quote(o.Name)},\"default\":{o.Default},\"minimum\":{o.Minimum},\"maximum\":{o.Maximum},") +
                $"\"description\":{Quote(o.Description)}}}");
            AppendArray(json, "drop_reasons", declaration.DropReasons,
                r => $"{{\"name\":{Quote(r.Name)},\"description\":{Quote(r.Description)}}}");
            AppendArray(json, "metrics", declaration.Metrics,
                m => $"{{\"name\":{Quote(m.Name)},\"unit\":{Quote(m.Unit)},\"description\":{Quote(m.Description)}}}");
            json.Append('}');
        }

        return json.Append(']').ToString();
    }

    private static StageKind[] BuiltIn() =>
    [
        new(RxStage.Declared, static (context, _) => new RxStage(context)),
        new(ParseStage.Declared,
            static (context, services) => new ParseStage(context, services.GetOrAdd(() => new KeyWordDemand()))),
        new(ClassifyStage.Declared, static (context, services) => new ClassifyStage(context, services.Get<FlowTables>())),
        new(ActionsStage.Declared,
            static (context, services) => new ActionsStage(context, services.Get<PortDirectory>(), services.Get<MacTable>())),
        new(WireStage.Declared, static (context, _) => new WireStage(context)),
        new(TxStage.Declared, static (context, _) => new TxStage(context)),
    ];

    private static void AppendArray<T>(StringBuilder json, string name, IReadOnlyList<T> items, Func<T, string> format) =>
        json.Append(",\"").Append(name).Append("\":[").AppendJoin(',', items.Select(format)).Append(']');

    private static string Quote(string text) => $"\"{System.Text.Json.JsonEncodedText.Encode(text)}\"";

    private void Number(string owner, IReadOnlyList<DropReasonDeclaration> reasons)
    {
        _firstReason[owner] = _reasons.Count + 1;
        foreach (var reason in reasons)
        {
            _reasons.Add(new NumberedDropReason((ushort)(_reasons.Count + 1), owner, reason));
        }
    }
}
