namespace Gateway.Benchmarks.Beside;

/// <summary><c>beside [ROW...]</c>: the whole comparison, or some of its rows.</summary>
internal static class Comparison
{
    public static async Task<int> RunAsync(string[] rows)
    {
        var folder = Directory.CreateTempSubdirectory("gateway-bench-");
        try
        {
            Place.WriteCertificate(folder.FullName);
            var report = new Report();
            await new Forwarding(folder.FullName, report).RunAsync();
            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
