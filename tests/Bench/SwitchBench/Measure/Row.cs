using KernelBypass.SwitchBench.Duts;

namespace KernelBypass.SwitchBench.Measure;

/// <summary>One comparison.</summary>
/// <param name="Name">Short, for the command line.</param>
/// <param name="Work">What is done, for the table.</param>
/// <param name="Required">Our rate over the peer's that must be reached; 0: reported only.</param>
/// <param name="Us">The switch.</param>
/// <param name="Peer">The other program, or null.</param>
internal sealed record Row(string Name, string Work, double Required, Func<SwitchDut> Us, Func<IDut>? Peer)
{
    /// <summary>For rows that are not packets a second: measures both once and says what it saw.</summary>
    internal Func<Rig, Task<(double Us, double Peer, string Unit, string Remark)>>? Special { get; init; }
}

/// <summary>What came out.</summary>
/// <param name="Row">The row.</param>
/// <param name="Us">Our medians, one a round.</param>
/// <param name="Peer">The peer's medians.</param>
/// <param name="Unit">Unit of the figures.</param>
/// <param name="Remark">What else is to be said.</param>
internal sealed record RowResult(Row Row, IReadOnlyList<double> Us, IReadOnlyList<double> Peer, string Unit, string Remark)
{
    internal double OurMedian => Median(Us);

    internal double PeerMedian => Peer.Count == 0 ? double.NaN : Median(Peer);

    /// <summary>Median of the ratios round by round.</summary>
    internal double Ratio => Peer.Count == 0 ? double.NaN : Median(Us.Zip(Peer, (us, peer) => us / peer).ToList());

    internal bool Reached => Row.Required == 0 || Ratio >= Row.Required;

    internal static double Median(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? double.NaN
            : sorted.Length % 2 == 1 ? sorted[sorted.Length / 2]
            : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
