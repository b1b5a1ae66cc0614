using KernelBypass.Model.Flows;

namespace KernelBypass.DataPlane.Commands;

/// <summary>What one action of a packet-out must be: nothing from the control plane is trusted.</summary>
internal static class PacketOutActions
{
    /// <summary>Whether an action's kind, payload and field are sound.</summary>
    internal static bool IsSound(ref ActionReader action)
    {
        switch (action.Kind)
        {
            case ActionKind.Output:
                return action.Payload.Length == 6 && (ReservedPort.IsOutput(action.Port) || action.Port == ReservedPort.Table);
            case ActionKind.SetField:
                return !action.Payload.IsEmpty && MatchFieldCatalogue.Find(action.Field) is { Settable: true } field
                    && action.Value.Length == field.ValueBytes && FieldBits.Fits(field, action.Value);
            case ActionKind.PushVlan:
                return action.Payload.Length == 2 && action.Tpid is 0x8100 or 0x88A8;
            case ActionKind.Drop or ActionKind.PopVlan or ActionKind.DecTtl:
                return action.Payload.IsEmpty;
            default:
                return false;
        }
    }
}
