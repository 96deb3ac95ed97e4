using System.Runtime.CompilerServices;

namespace Gateway.Tests.Testing;

/// <summary>Compares with a file that is kept beside the test; <c>UPDATE_GOLDEN=1</c> rewrites it, and the change is read in the diff.</summary>
internal static class Golden
{
    public static void Matches(string name, string actual, [CallerFilePath] string test = "")
    {
        var file = Path.Combine(Path.GetDirectoryName(test)!, name);
        var text = actual.ReplaceLineEndings("\n").TrimEnd() + "\n";
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(file, text);
        }

        Assert.True(File.Exists(file), $"{name} is missing: UPDATE_GOLDEN=1 makes it");
        Assert.Equal(File.ReadAllText(file), text);
    }
}
