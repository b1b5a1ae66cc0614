using KernelBypass.Pipeline.Capture;

namespace KernelBypass.Pipeline.Engine;

// Captures and traces: started and stopped by the main lcore, met by the lcores at their next turn.
public sealed unsafe partial class PipelineEngine
{
    private readonly List<CaptureTap> _taps = [];
    private readonly List<TraceFilter> _traces = [];

    /// <summary>Adds a tap. Several may have one number: a capture of several points.</summary>
    /// <exception cref="PipelineException">No such stage, or a filter where no key is known: the message says why.</exception>
    public void AddTap(CaptureTap tap)
    {
        ArgumentNullException.ThrowIfNull(tap);
        var place = tap.Point == CapturePoint.Stage ? PlaceOf(tap.Stage) : _stages.Count - 1;
        if (tap.Filter is not null)
        {
            var parse = ProbeSet.ParsePlace(_stages);
            if (parse < 0)
                throw new PipelineException("A capture with a match needs a stage of kind parse, and the pipeline has none.");
            if (place <= parse) throw new PipelineException(
                $"Stage {tap.Stage} stands before the packet is parsed, so no match can be looked at there: capture at " +
                $"{_stages[parse + 1].Name} or later, or without a match.");
        }

        if (!_taps.Exists(t => t.Id == tap.Id)) CaptureMisses.Clear(tap.Id);
        _taps.Add(tap);
        PublishProbes();
    }

    /// <summary>Removes all taps of a number; false: there was none. Packets that wait in the ring stay there.</summary>
    public bool RemoveTaps(int id)
    {
        if (_taps.RemoveAll(t => t.Id == id) == 0) return false;
        PublishProbes();
        return true;
    }

    /// <summary>Starts a live trace; records appear in <see cref="Traces"/>.</summary>
    /// <exception cref="PipelineException">The pipeline has no stage of kind parse.</exception>
    public void AddTrace(TraceFilter trace)
    {
        ArgumentNullException.ThrowIfNull(trace);
        if (ProbeSet.ParsePlace(_stages) < 0)
            throw new PipelineException("A trace needs a stage of kind parse, and the pipeline has none.");
        _traces.Add(trace);
        PublishProbes();
    }

    /// <summary>Ends a trace; false: there was none of this number.</summary>
    public bool RemoveTrace(uint id)
    {
        if (_traces.RemoveAll(t => t.Id == id) == 0) return false;
        PublishProbes();
        return true;
    }

    private int PlaceOf(string? stage)
    {
        for (var i = 0; i < _stages.Count; i++)
        {
            if (_stages[i].Name == stage) return i;
        }

        var names = string.Join(", ", _stages.Select(s => s.Name));
        throw new PipelineException($"There is no stage {stage} to capture at; there are {names}.");
    }

    private void PublishProbes()
    {
        var probes = _taps.Count == 0 && _traces.Count == 0 ? null : new ProbeSet(_memory, _stages, _taps, _traces);
        foreach (var worker in _workers.Values) worker.SetProbes(probes);
    }
}
