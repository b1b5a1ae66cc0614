using KernelBypass.Model.Flows;

namespace KernelBypass.Pipeline.Actions;

/// <summary>Turns an action section of the flow codec into <see cref="ActionOp"/>s. Allocates nothing.</summary>
public static unsafe class ActionCompiler
{
    /// <summary>How many actions a section holds that <see cref="FlowSpecDecoder"/> has accepted.</summary>
    public static int Count(ReadOnlySpan<byte> section)
    {
        var count = 0;
        var reader = new ActionReader(section);
        while (reader.MoveNext()) count++;
        return count;
    }

    /// <summary>Compiles a section that <see cref="FlowSpecDecoder"/> has accepted.</summary>
    /// <param name="section">The codec's bytes.</param>
    /// <param name="ops">Room for <see cref="Count"/> of them; every byte is written.</param>
    /// <returns>How many were written; less than the section holds when <paramref name="ops"/> is too short.</returns>
    public static int Compile(ReadOnlySpan<byte> section, Span<ActionOp> ops)
    {
        var count = 0;
        var reader = new ActionReader(section);
        while (count < ops.Length && reader.MoveNext())
        {
            ref var op = ref ops[count++];
            op = default;
            op.Kind = reader.Kind;
            switch (reader.Kind)
            {
                case ActionKind.Output:
                    op.Port = reader.Port;
                    op.Argument = reader.MaxLength;
                    break;
                case ActionKind.SetField:
                    op.Field = reader.Field;
                    fixed (byte* value = op.Value) reader.Value.CopyTo(new Span<byte>(value, 16));
                    break;
                case ActionKind.PushVlan:
                    op.Argument = reader.Tpid;
                    break;
            }
        }

        return count;
    }
}
