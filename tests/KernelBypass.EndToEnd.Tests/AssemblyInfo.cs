// Every test here uses the machine's network and both its cores: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
