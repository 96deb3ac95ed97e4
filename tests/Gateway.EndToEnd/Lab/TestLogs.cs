namespace Gateway.EndToEnd.Lab;

/// <summary>Where the programs of the last run left what they said: artifacts/test-logs of the checkout.</summary>
internal static class TestLogs
{
    private static readonly string Folder = Prepare();
    private static int count;

    public static StreamWriter Open(string name)
    {
        var number = Interlocked.Increment(ref count);
        return new StreamWriter(Path.Combine(Folder, $"{number:000}-{name}.log")) { AutoFlush = true };
    }

    private static string Prepare()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root.Parent is not null && !File.Exists(Path.Combine(root.FullName, "Gateway.sln")))
        {
            root = root.Parent;
        }

        var folder = Path.Combine(root.FullName, "artifacts", "test-logs", "end-to-end");
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        return Directory.CreateDirectory(folder).FullName;
    }
}
