namespace Gateway.Benchmarks.Beside;

/// <summary><c>beside [ROW...]</c>: the whole comparison, or some of its rows. Only the whole one is written into the README.</summary>
internal static class Comparison
{
    public static async Task<int> RunAsync(string[] rows)
    {
        var folder = Directory.CreateTempSubdirectory("gateway-bench-");

        // The rivals' workers are nobody, and serve files from here.
        File.SetUnixFileMode(folder.FullName, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        try
        {
            Place.WriteCertificate(folder.FullName);
            var report = new Report();
            var forwarding = new Forwarding(folder.FullName, report);
            var polls = new Polls(folder.FullName, report);
            (string[] Rows, Func<Task> Measure)[] parts =
            [
                (["1", "2", "3"], forwarding.RunAsync),
                (["4"], polls.MemoryAsync),
                (["5"], polls.RevocationAsync),
                (["6", "7", "8", "9"], new Upkeep(folder.FullName, report).RunAsync),
                (["10"], new Transfer(folder.FullName, report).RunAsync),
            ];
            foreach (var (_, measure) in parts.Where(part => rows.Length == 0 || part.Rows.Intersect(rows).Any()))
            {
                await measure();
            }

            if (rows.Length == 0 && Environment.GetEnvironmentVariable("GATEWAY_README") is { } readme)
            {
                report.Write(readme);
            }

            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
