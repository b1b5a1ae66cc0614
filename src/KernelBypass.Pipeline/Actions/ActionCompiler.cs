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
            op.Code = CodeOf(ref reader);
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

        FuseAddresses(ops[..count]);
        return count;
    }

    private static ActionCode CodeOf(ref ActionReader reader) => reader.Kind switch
    {
        ActionKind.Output => ActionCode.Output,
        ActionKind.DecTtl => ActionCode.DecTtl,
        ActionKind.PushVlan => ActionCode.PushVlan,
        ActionKind.PopVlan => ActionCode.PopVlan,
        ActionKind.Drop => ActionCode.Drop,
        ActionKind.SetField => reader.Field switch
        {
            MatchField.EthDst => ActionCode.SetEthDst,
            MatchField.EthSrc => ActionCode.SetEthSrc,
            _ => ActionCode.SetOther,
        },
        _ => ActionCode.None,
    };

    /// <summary>Next hop rewriting, eth_dst then eth_src, becomes one step. The second stays as it is, for those who go one by one.</summary>
    private static void FuseAddresses(Span<ActionOp> ops)
    {
        for (var i = 0; i + 1 < ops.Length; i++)
        {
            if (ops[i].Code != ActionCode.SetEthDst || ops[i + 1].Code != ActionCode.SetEthSrc) continue;
            ops[i].Code = ActionCode.SetEthAddresses;
            for (var k = 0; k < 6; k++) ops[i].Value[6 + k] = ops[i + 1].Value[k];
        }
    }
}
