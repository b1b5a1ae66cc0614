namespace KernelBypass.Daemon.Configuration;

/// <summary>
/// Checks the pipeline against the data-plane program that will run it: only the program knows its kinds of stage, their options
/// and its own chain.
/// </summary>
internal sealed class StageChecker(ConfigNode root, DaemonConfig config, ConfigErrors errors)
{
    /// <summary>Asks the program if the configuration has a pipeline, and adds what it would refuse.</summary>
    /// <param name="describe">Asks the executable at a path; see <see cref="DataPlaneDescription.Ask"/>.</param>
    internal void Check(Func<string, DataPlaneDescription> describe)
    {
        var pipeline = root["pipeline"];
        var stages = pipeline["stages"].Items;
        var placement = pipeline["placement"].Items;
        if (stages.Count == 0 && placement.Count == 0) return;
        if (HostInventory.FindExecutable(config.DataPlane.Path) is not { } program)
        {
            // With supervise: child, ConfigChecker has told so of dataplane.path already.
            if (config.DataPlane.External) Unanswered(pipeline, "there is no such executable here, beside kernelbypassd or in PATH");
            return;
        }

        DataPlaneDescription description;
        try
        {
            description = describe(program);
        }
        catch (InvalidOperationException e)
        {
            Unanswered(pipeline, e.Message);
            return;
        }

        foreach (var stage in stages) CheckStage(stage, description);
        if (stages.Count == 0) ConfigChecker.CheckPlacement(pipeline["placement"], description.DefaultStages, errors);
    }

    private void Unanswered(ConfigNode pipeline, string why) => errors.Add(pipeline,
        $"cannot be checked: '{config.DataPlane.Path} --describe' lists the kinds of stage, but {why}: "
        + "give dataplane.path, or leave the pipeline unchecked with --offline");

    private void CheckStage(ConfigNode stage, DataPlaneDescription description)
    {
        var named = stage["kind"].Text.Length > 0 ? stage["kind"] : stage["name"];
        if (description.Find(named.Text) is not { } kind)
        {
            errors.Add(named, $"no kind of stage '{named.Text}': "
                + Remedy(named.Text, [.. description.Kinds.Select(known => known.Kind)], "kinds"));
            return;
        }

        foreach (var (name, value) in stage["options"].Entries)
        {
            if (kind.Options.FirstOrDefault(known => known.Name == name) is not { } option)
            {
                errors.Add(value.KeyPlace, value.Path, $"unknown option '{name}' of stage kind '{kind.Kind}': "
                    + Remedy(name, [.. kind.Options.Select(known => known.Name)], "its options"));
            }
            else if (value.Integer < option.Minimum || value.Integer > option.Maximum)
            {
                errors.Add(value, $"{value.Integer} is out of range: give a whole number from {option.Minimum} to {option.Maximum}");
            }
        }
    }

    private static string Remedy(string name, IReadOnlyList<string> known, string what)
    {
        if (NearestName.Find(name, known) is { } nearest) return $"did you mean '{nearest}'?";
        return known.Count == 0 ? "it has none" : $"{what}: {string.Join(", ", known)}";
    }
}
