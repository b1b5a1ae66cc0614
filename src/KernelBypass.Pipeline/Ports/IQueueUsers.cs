namespace KernelBypass.Pipeline.Ports;

/// <summary>Who polls and fills the ports' queues: the engine, as the port manager needs it.</summary>
internal interface IQueueUsers
{
    /// <summary>Gives the lcores the queues of the ports as they are now.</summary>
    void RepublishQueues();

    /// <summary>Waits until no lcore uses what was in force before the last <see cref="RepublishQueues"/>.</summary>
    void WaitForTurns();
}
