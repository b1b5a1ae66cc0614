using KernelBypass.Channel.Messages;

namespace KernelBypass.Channel.Server;

/// <summary>The items of a batch, in order: <c>foreach (var item in items)</c>. Allocates nothing.</summary>
public readonly ref struct FlowBatchItems
{
    private readonly ReadOnlySpan<byte> _bytes;

    internal FlowBatchItems(ReadOnlySpan<byte> bytes, int count)
    {
        _bytes = bytes;
        Count = count;
    }

    /// <summary>How many.</summary>
    public int Count { get; }

    /// <summary>Starts over; the items may be walked more than once.</summary>
    public Enumerator GetEnumerator() => new(_bytes, Count);

    /// <summary>One item: FlowAdd (payload: the encoded flow), FlowModify or FlowDelete.</summary>
    public readonly ref struct Item(MessageType type, ReadOnlySpan<byte> payload)
    {
        public MessageType Type { get; } = type;

        /// <summary>As in the command of this type.</summary>
        public ReadOnlySpan<byte> Payload { get; } = payload;
    }

    /// <summary>Walks the items.</summary>
    public ref struct Enumerator
    {
        private readonly ReadOnlySpan<byte> _bytes;
        private int _left;
        private int _offset;

        internal Enumerator(ReadOnlySpan<byte> bytes, int count)
        {
            _bytes = bytes;
            _left = count;
        }

        /// <summary>The current item.</summary>
        public Item Current { get; private set; }

        /// <summary>Steps to the next item.</summary>
        public bool MoveNext()
        {
            if (_left == 0) return false;
            _left--;
            var payload = BatchStaging.Read(_bytes, ref _offset, out var type);
            Current = new Item(type, payload);
            return true;
        }
    }
}
