using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// A certificate authority that the world trusts, and the name servers of <c>lab.test</c>, on a machine of their own in the
/// data centre.
/// </summary>
internal sealed class PublicAuthority : IAsyncDisposable
{
    private static int count;

    private readonly TestLab lab;
    private readonly int number = Interlocked.Increment(ref count);
    private readonly List<RunningProgram> programs = [];
    private NetworkNamespace? space;
    private X509Certificate2? root;

    private PublicAuthority(TestLab lab)
    {
        this.lab = lab;

        // An address of its own each time: neighbours remember which card the last one had.
        Files = new AuthorityFiles(
            Directory.CreateDirectory(Path.Combine(lab.Network.Name.Folder, $"authority{number}")).FullName,
            "lab.test",
            string.Create(CultureInfo.InvariantCulture, $"{TestNetwork.DataCentre}.{Host}"),
            Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(lab.Network.Name.Text))));
    }

    public AuthorityFiles Files { get; }

    /// <summary>How a phone trusts this authority and nobody else.</summary>
    public SslClientAuthenticationOptions Trust => new()
    {
        CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, CustomTrustStore = { root! } },
    };

    private int Host => 50 + number;

    public static async Task<PublicAuthority> StartAsync(TestLab lab)
    {
        var made = new PublicAuthority(lab);
        try
        {
            await made.PrepareAsync();
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    /// <summary>From now on the authority cannot look at the zone, so that every challenge fails.</summary>
    public async Task BlindAsync() => (await space!.FeedAsync(
        $$"""
        table ip blind {
            chain output { type filter hook output priority filter; ip daddr {{AuthorityFiles.Lookup}} reject; }
        }
        """,
        "nft",
        "-f",
        "-")).Expect();

    public async Task SeeAgainAsync() => (await space!.RunAsync("nft", "delete", "table", "ip", "blind")).Expect();

    public async ValueTask DisposeAsync()
    {
        foreach (var program in programs)
        {
            await program.DisposeAsync();
        }

        root?.Dispose();
        if (space is not null)
        {
            await lab.Network.RemoveAsync(space);
        }
    }

    private async Task PrepareAsync()
    {
        space = await lab.Network.AddHostAsync($"authority{number}", TestNetwork.DataCentre, Host);
        foreach (var (name, text) in Files.Texts(lab.Gateway.TunnelAddress.ToString()))
        {
            await File.WriteAllTextAsync(Path.Combine(Files.Folder, name), text);
        }

        lab.Authority.Issue(Files.Host, Path.Combine(Files.Folder, "acme.pem"), Path.Combine(Files.Folder, "acme.key"));
        Start(Files.Knot);
        Start(["env", .. AuthorityFiles.PebbleEnvironment, .. Files.Pebble]);
        await FetchRootAsync();
    }

    private void Start(IReadOnlyList<string> command) =>
        programs.Add(new RunningProgram(space!.Describe(command[0], command.Skip(1)), command.Contains("pebble") ? "pebble" : command[0]));

    /// <summary>pebble makes a new root at each start, and gives it out beside its ACME directory.</summary>
    private async Task FetchRootAsync()
    {
        using var client = NamespaceHttp.Client(space!, IPAddress.Parse(Files.Address), new Uri($"https://{Files.Host}:15000/"), lab.Authority.Trust);
        var pem = await Until.ValueAsync(
            "the authority answers",
            TimeSpan.FromSeconds(15),
            async () =>
            {
                try
                {
                    return await client.GetStringAsync(new Uri("roots/0", UriKind.Relative));
                }
                catch (HttpRequestException)
                {
                    return "";
                }
            },
            text => text.Length > 0);
        root = X509Certificate2.CreateFromPem(pem);
        await File.WriteAllTextAsync(Files.Authorities, lab.Authority.Pem + "\n" + pem);
    }
}
