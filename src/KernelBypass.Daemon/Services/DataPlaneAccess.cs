using Grpc.Core;
using KernelBypass.Daemon.DataPlane;
using KernelBypass.Daemon.Flows;
using KernelBypass.Daemon.Supervision;

namespace KernelBypass.Daemon.Services;

/// <summary>The data plane that services talk to.</summary>
internal sealed class DataPlaneAccess(DataPlaneSupervisor supervisor)
{
    /// <summary>The attachment, or UNAVAILABLE.</summary>
    internal DataPlaneSession Session => supervisor.Session
        ?? throw new FlowException(StatusCode.Unavailable, $"the data plane is {supervisor.State}: try again shortly");

    internal DataPlaneSupervisor Supervisor => supervisor;
}
