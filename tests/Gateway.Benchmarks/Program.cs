using BenchmarkDotNet.Running;
using Gateway.Benchmarks.Beside;

// tests/bench measures the whole program beside others; without a word of ours BenchmarkDotNet measures its parts.
return args switch
{
    ["beside", .. var rows] => await Comparison.RunAsync(rows),
    ["hold"] => await HoldingServer.RunAsync(),
    ["serve", .. var rest] => await UnderTest.RunAsync(rest),
    _ => BenchmarkSwitcher.FromAssembly(typeof(Place).Assembly).Run(args).ToList() is { Count: > 0 } summaries
        && summaries.TrueForAll(summary => summary.Reports.Length > 0 && summary.Reports.All(report => report.Success)) ? 0 : 1,
};
