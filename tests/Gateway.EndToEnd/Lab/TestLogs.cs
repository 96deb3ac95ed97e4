namespace Gateway.EndToEnd.Lab;

/// <summary>Where the programs of the last run left what they said: in the folder that tests/run names, else in artifacts.</summary>
internal static class TestLogs
{
    private static readonly string Folder = Prepare();
    private static int count;

    public static StreamWriter Open(string name)
    {
        var number = Interlocked.Increment(ref count);
        return new StreamWriter(Path.Combine(Folder, $"{number:000}-{name}.log")) { AutoFlush = true };
    }

    public static string Root => Folder;

    /// <summary>Where a picture shall lie, so that one that could not be read can be looked at.</summary>
    public static string Picture(string name) => Path.Combine(Folder, $"{name}.png");

    /// <summary>Where the pages that members see are photographed to, for people to look at.</summary>
    public static string Pictures => Directory.CreateDirectory(Path.Combine(Folder, "pages")).FullName;

    /// <summary>Keeps the files of a folder that is about to go, so that a failure can be looked into.</summary>
    public static void Keep(string folder, string name)
    {
        var kept = Directory.CreateDirectory(Path.Combine(Folder, name)).FullName;
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(kept, Path.GetFileName(file)), overwrite: true);
        }
    }

    private static string Prepare()
    {
        var logs = Environment.GetEnvironmentVariable("GATEWAY_TEST_LOGS") ?? Path.Combine(Checkout(), "artifacts", "test-logs");
        var folder = Path.Combine(logs, "end-to-end");
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        return Directory.CreateDirectory(folder).FullName;
    }

    private static string Checkout()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder.Parent is not null && !File.Exists(Path.Combine(folder.FullName, "Gateway.sln")))
        {
            folder = folder.Parent;
        }

        return folder.FullName;
    }
}
