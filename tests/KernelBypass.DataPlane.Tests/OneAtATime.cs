// Each test starts processes that poll both CPUs.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
