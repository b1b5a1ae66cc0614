namespace KernelBypass.Pipeline.Engine;

/// <summary>
/// Quiescent-state reclamation over the lcores' turns and the rings between them. Chain by chain: first every lcore of the
/// first chain
/// must have ended the turn it was in; then each of the next must have worked on what was in its ring by then and ended its
/// turn; and
/// so on. An lcore that is stopped or asleep holds nothing.
/// </summary>
/// <remarks>
/// At most one period runs and one waits: all that is started meanwhile shares the waiting one, so the cost does not grow with
/// the rate
/// of changes. Used by the main lcore only. Whoever composes the pipeline makes one, gives it to the tables and adds it to the
/// stages'
/// services; the engine then tells it of its lcores. Before that nothing can hold a pointer, and every period passes at once.
/// </remarks>
public sealed unsafe class GracePeriod : IGracePeriod
{
    private LcoreWorker[][] _chains = [];
    private long[] _turns = [];
    private ulong[] _targets = [];
    private ulong _completed;
    private ulong _running; // 0: none
    private bool _anotherWanted;
    private int _chain;

    /// <inheritdoc/>
    public ulong Start()
    {
        if (_running != 0)
        {
            _anotherWanted = true;
            return _running + 1;
        }

        _running = _completed + 1;
        BeginChain(0);
        return _running;
    }

    /// <inheritdoc/>
    public bool HasPassed(ulong token)
    {
        if (_completed < token) Advance();
        return _completed >= token;
    }

    /// <summary>
    /// All lcores are stopped and all rings empty: every period started so far is over, and other chains are in force.
    /// </summary>
    internal void Reset(LcoreWorker[][] chains)
    {
        _completed = Math.Max(_completed, _running) + (_anotherWanted ? 1u : 0);
        _running = 0;
        _anotherWanted = false;
        _chains = chains;
        var widest = chains.Length == 0 ? 0 : chains.Max(c => c.Length);
        _turns = new long[widest];
        _targets = new ulong[widest];
    }

    private void Advance()
    {
        while (_running != 0 && ChainHasPassed())
        {
            if (++_chain < _chains.Length)
            {
                BeginChain(_chain);
                continue;
            }

            _completed = _running;
            _running = 0;
            if (!_anotherWanted) return;
            _anotherWanted = false;
            _running = _completed + 1;
            BeginChain(0);
        }
    }

    private void BeginChain(int chain)
    {
        _chain = chain;
        if (chain >= _chains.Length) return;
        // What was unpublished is so for every lcore before its turn is read; pairs with the exchange at the end of a turn.
        Interlocked.MemoryBarrier();
        var workers = _chains[chain];
        for (var i = 0; i < workers.Length; i++)
        {
            _targets[i] = workers[i].InputRing is { } ring ? ring.Sent : 0;
            _turns[i] = Volatile.Read(ref workers[i].Block->Turn);
        }
    }

    private bool ChainHasPassed()
    {
        if (_chain >= _chains.Length) return true;
        var workers = _chains[_chain];
        for (var i = 0; i < workers.Length; i++)
        {
            if (workers[i].InputRing is { } ring && ring.Done < _targets[i]) return false;
            if (Volatile.Read(ref workers[i].Block->Quiescent) != 0) continue;
            if (Volatile.Read(ref workers[i].Block->Turn) == _turns[i]) return false;
        }

        return true;
    }
}
