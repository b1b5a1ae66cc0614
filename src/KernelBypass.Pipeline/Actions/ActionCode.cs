namespace KernelBypass.Pipeline.Actions;

/// <summary>
/// What the executor does for an action: kind and field in one number, so that an action costs one jump. Everything else (the key
/// rewriter, traces) reads kind and field.
/// </summary>
internal enum ActionCode : byte
{
    None = 0,
    Output,
    DecTtl,
    SetEthDst,
    SetEthSrc,

    /// <summary>A set_field of eth_dst with one of eth_src right behind it: both at once, from 12 bytes of Value.</summary>
    SetEthAddresses,
    SetOther,
    PushVlan,
    PopVlan,
    Drop,
}
