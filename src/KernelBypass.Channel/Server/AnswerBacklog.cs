using KernelBypass.Channel.Messages;
using KernelBypass.Channel.SharedMemory;

namespace KernelBypass.Channel.Server;

/// <summary>An answer that is longer than the event ring has room for now: sent in parts as room comes. At most one at a
/// time.</summary>
internal sealed class AnswerBacklog(SharedRingWriter events)
{
    private const int PartBytes = 64 * 1024;

    private byte[] _answer = [];
    private int _sent;
    private MessageType _type;
    private ulong _correlation;
    private bool _full;

    /// <summary>Whether everything has been sent.</summary>
    internal bool IsEmpty => !_full;

    /// <summary>Takes an answer; call <see cref="TrySend"/> next.</summary>
    internal void Put(MessageType type, ulong correlation, byte[] answer)
    {
        (_type, _correlation, _answer, _sent, _full) = (type, correlation, answer, 0, true);
    }

    /// <summary>Sends what there is room for; true when nothing is left.</summary>
    internal bool TrySend()
    {
        while (_full)
        {
            var part = _answer.AsSpan(_sent, Math.Min(PartBytes, _answer.Length - _sent));
            var more = _sent + part.Length < _answer.Length;
            if (!events.TryWrite(_type, more ? MessageFlags.More : MessageFlags.None, _correlation, part)) return false;
            _sent += part.Length;
            _full = more;
        }

        _answer = [];
        return true;
    }

    /// <summary>Forgets the answer: its asker is gone.</summary>
    internal void Clear()
    {
        _full = false;
        _answer = [];
    }
}
