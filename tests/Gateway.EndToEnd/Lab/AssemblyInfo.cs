// Times are measured here, and the machine may have two cores: one story at a time.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
