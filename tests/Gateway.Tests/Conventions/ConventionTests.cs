using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.LoginGrants;

namespace Gateway.Tests.Conventions;

/// <summary>What the map promises about the code, kept by a test.</summary>
public sealed partial class ConventionTests
{
    /// <summary>Slice → the slices that it may use. No cycles: each stands below what it uses.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Keys"] = [],
        ["Members"] = [],
        ["QrCodes"] = ["Keys"],
        ["Devices"] = ["Members", "Keys"],
        ["Consoles"] = [],
        ["Store"] = ["Consoles", "Devices", "Members", "Keys"],
        ["Audit"] = ["Store", "Devices", "Keys"],
        ["Matrix"] = ["Members", "Keys"],
        ["LoginGrants"] = ["Store", "Devices", "Matrix", "Members", "Keys"],
        ["Enrolment"] = ["LoginGrants", "Store", "Devices", "Matrix", "Members", "Keys"],
        ["Revocation"] = ["Store", "Devices", "Matrix", "Members"],
    };

    private static string Root([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../.."));

    [Fact]
    public void Slices_of_the_library_use_only_what_stands_below_them()
    {
        var library = Path.Combine(Root(), "src/Gateway.Onboarding");
        var slices = Directory.GetDirectories(library).Select(path => Path.GetFileName(path)!).ToList();
        Assert.Equal(Allowed.Keys.Order(), slices.Order());
        foreach (var slice in slices)
        {
            var used = Directory.GetFiles(Path.Combine(library, slice), "*.cs")
                .SelectMany(file => Using().Matches(File.ReadAllText(file)).Select(match => match.Groups["slice"].Value))
                .Distinct();
            Assert.Empty(used.Except(Allowed[slice]).Select(other => $"{slice} → {other}"));
        }
    }

    [Fact]
    public void Slices_of_the_library_have_no_cycle()
    {
        var below = new HashSet<string>();
        foreach (var (slice, uses) in Allowed)
        {
            Assert.Subset(below, uses.ToHashSet());
            below.Add(slice);
        }
    }

    [Fact]
    public void Files_stay_short_enough_to_read()
    {
        var long_ = SourceFiles("src").Where(file => File.ReadLines(file).Count() > 250)
            .Concat(SourceFiles("tests").Where(file => File.ReadLines(file).Count() > 400));
        Assert.Empty(long_);
    }

    [Fact]
    public void Nothing_of_the_program_is_public() =>
        Assert.DoesNotContain(
            typeof(Server).Assembly.GetExportedTypes(),
            type => type.Namespace?.StartsWith("Gateway", StringComparison.Ordinal) == true && !IsPage(type) && !IsPage(type.DeclaringType));

    /// <summary>The Razor compiler makes pages public, and with them what they are given.</summary>
    private static bool IsPage(Type? type) => type?.IsAssignableTo(typeof(Microsoft.AspNetCore.Components.IComponent)) == true;

    [Fact]
    public void Secrets_do_not_print_themselves()
    {
        var entropy = new Entropy();
        var types = typeof(Entropy).Assembly.GetTypes()
            .Where(type => !type.IsAbstract && (type.IsSubclassOf(typeof(SecretKey)) || type.IsSubclassOf(typeof(SecretText)) || type == typeof(LoginCode)))
            .ToList();
        Assert.True(types.Count >= 6, "the secret types are found");
        using var key = PrivateKey.Generate(entropy);
        using var preshared = PresharedKey.Generate(entropy);
        var code = LoginCode.Generate(entropy);
        var token = new AccessToken("syt_secret");
        foreach (var (secret, revealed) in new (object, string)[] { (key, key.Reveal()), (preshared, preshared.Reveal()), (code, code.Reveal()), (token, token.Reveal()) })
        {
            Assert.DoesNotContain(revealed, $"{secret}", StringComparison.Ordinal);
            Assert.DoesNotContain(revealed, new { Holder = secret }.ToString()!, StringComparison.Ordinal);
            Assert.DoesNotContain(revealed, AsJson(secret), StringComparison.Ordinal);
        }
    }

    /// <summary>A type that cannot be serialised at all is as good as one that has nothing to show.</summary>
    private static string AsJson(object secret)
    {
        try
        {
            return JsonSerializer.Serialize(secret, secret.GetType());
        }
        catch (Exception e) when (e is NotSupportedException or InvalidOperationException or TargetInvocationException)
        {
            return "";
        }
    }

    private static IEnumerable<string> SourceFiles(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root(), folder), "*.cs", SearchOption.AllDirectories);

    [GeneratedRegex(@"^using Gateway\.Onboarding\.(?<slice>\w+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Using();
}
