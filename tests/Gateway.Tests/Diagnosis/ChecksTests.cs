using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Gateway.Diagnosis;
using Gateway.Proxy;
using Gateway.Tests.Testing;
using Gateway.Tunnel;

namespace Gateway.Tests.Diagnosis;

/// <summary>Each check, well and made to fail.</summary>
public sealed class ChecksTests
{
    private static readonly TunnelOptions Tunnel = new() { Network = "127.77.0.0/24" };
    private static readonly GatewayOptions Chat = new() { ServerName = "chat.example", DataDirectory = "/var/lib/gateway" };

    [Theory]
    [InlineData(403, 403, 404, 404, 401, "Ok Ok Ok Ok")]
    [InlineData(401, 403, 404, 404, 401, "Fault Ok Ok Ok")]
    [InlineData(403, 200, 404, 404, 401, "Ok Fault Ok Ok")]
    [InlineData(403, 403, 200, 404, 401, "Ok Ok Fault Ok")]
    [InlineData(403, 403, 404, 200, 401, "Ok Ok Fault Ok")]
    [InlineData(403, 403, 404, 404, 200, "Ok Ok Ok Fault")]
    [InlineData(502, 429, 503, 404, 500, "Unknown Unknown Unknown Unknown")]
    public async Task The_homeservers_doors_are_tried(int registration, int guests, int federation, int keys, int rooms, string verdicts)
    {
        await using var homeserver = await FakeHomeserver.StartAsync();
        homeserver.Interfere = async context =>
        {
            var status = $"{context.Request.Path}{context.Request.QueryString}" switch
            {
                "/_matrix/client/v3/register" => registration,
                "/_matrix/client/v3/register?kind=guest" => guests,
                "/_matrix/federation/v1/version" => federation,
                "/_matrix/key/v2/server" => keys,
                "/_matrix/client/v3/publicRooms" => rooms,
                _ => 418,
            };
            await FakeHomeserver.ReplyAsync(context, status, "{}");
            return true;
        };

        var findings = await new HomeserverChecks(new HomeserverOptions { BaseUrl = homeserver.Url }).LookAsync(default);

        Assert.Equal(verdicts, string.Join(' ', findings.Select(finding => finding.Verdict)));
        Assert.DoesNotContain(homeserver.Requests, request => request.Headers.ContainsKey("Authorization"));
    }

    [Theory]
    [InlineData("127.77.0.1", Verdict.Ok)]
    [InlineData("127.77.0.1 203.0.113.7", Verdict.Fault)]
    [InlineData("203.0.113.7", Verdict.Fault)]
    [InlineData("127.77.0.1 2001:db8::7", Verdict.Fault)]
    [InlineData("", Verdict.Fault)]
    [InlineData(null, Verdict.Warning)]
    internal async Task The_name_leads_into_the_tunnel(string? addresses, Verdict verdict)
    {
        var check = new NameCheck(Chat, Tunnel, (name, _) =>
            name == "chat.example" && addresses is not null
                ? Task.FromResult(addresses.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(IPAddress.Parse).ToArray())
                : throw new SocketException((int)SocketError.HostNotFound));

        Assert.Equal(verdict, (await OneAsync(check)).Verdict);
    }

    [Theory]
    [InlineData("chat.example", 15, null, Verdict.Ok)]
    [InlineData("chat.example", 13, null, Verdict.Warning)]
    [InlineData("chat.example", 0, null, Verdict.Fault)]
    [InlineData("other.example", 15, null, Verdict.Fault)]
    [InlineData("chat.example", 15, "the key is another's", Verdict.Fault)]
    internal void A_certificate_has_time_left_and_the_right_name(string name, int days, string? fault, Verdict verdict)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=chat.example", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("chat.example");
        request.CertificateExtensions.Add(names.Build());
        var end = new DateTimeOffset(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);
        using var leaf = request.CreateSelfSigned(end.AddDays(-90), end);

        Assert.Equal(verdict, CertificateCheck.Judge(leaf, fault, name, end.AddDays(-days)).Verdict);
    }

    [Theory]
    [InlineData(null, true, Verdict.Ok)]
    [InlineData(null, false, Verdict.Warning)]
    [InlineData(null, null, Verdict.Warning)]
    [InlineData("was set back by an hour", true, Verdict.Fault)]
    internal void A_clock_that_nobody_keeps_is_told(string? fault, bool? synchronised, Verdict verdict) =>
        Assert.Equal(verdict, ClockCheck.Judge(fault, synchronised).Verdict);

    [Theory]
    [InlineData(null, false, Verdict.Ok)]
    [InlineData(null, true, Verdict.Warning)]
    [InlineData("`wg` is missing", false, Verdict.Fault)]
    internal void The_kernel_is_better(string? fault, bool userspace, Verdict verdict) =>
        Assert.Equal(verdict, WireGuardCheck.Judge("wg0", fault, userspace).Verdict);

    [Theory]
    [InlineData("254:1", "CRYPT-LUKS2-0123-root", Verdict.Ok)]
    [InlineData("254:1", "LVM-0123", Verdict.Warning)]
    [InlineData("0:45", "CRYPT-LUKS2-0123-root", Verdict.Warning)]
    internal async Task A_disk_that_anybody_can_read_is_told(string device, string uuid, Verdict verdict)
    {
        using var system = new SomeSystem(
            ("proc/self/mountinfo", $"24 1 8:1 / / rw - ext4 /dev/sda1 rw\n60 24 8:2 / /var/lib/gateway-other rw - ext4 /dev/sda2 rw\n61 24 {device} / /var/lib rw - ext4 /dev/mapper/x rw\n"),
            ("sys/dev/block/254:1/dm/uuid", uuid),
            ("sys/dev/block/8:1/size", "1"));

        Assert.Equal(verdict, (await OneAsync(new EncryptedDiskCheck(Chat, system.Path))).Verdict);
    }

    [Fact]
    public async Task A_volume_on_encrypted_disks_is_encrypted_where_all_of_them_are()
    {
        (string, string)[] two =
        [
            ("proc/self/mountinfo", "24 1 254:3 / / rw - ext4 /dev/mapper/volume rw\n"),
            ("sys/dev/block/254:3/dm/uuid", "LVM-0123"),
            ("sys/dev/block/254:3/slaves/dm-1/dm/uuid", "CRYPT-LUKS2-0123-one"),
        ];
        using var all = new SomeSystem(two);
        using var one = new SomeSystem([.. two, ("sys/dev/block/254:3/slaves/sdb/size", "1")]);

        Assert.Equal(Verdict.Ok, (await OneAsync(new EncryptedDiskCheck(Chat, all.Path))).Verdict);
        Assert.Equal(Verdict.Warning, (await OneAsync(new EncryptedDiskCheck(Chat, one.Path))).Verdict);
    }

    private static async Task<Finding> OneAsync(ICheck check) => Assert.Single(await check.LookAsync(default));

    /// <summary>A few files as proc(5) and sysfs(5) have them.</summary>
    private sealed class SomeSystem : IDisposable
    {
        private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("gateway-system-");

        public SomeSystem(params (string Name, string Content)[] files)
        {
            foreach (var (name, content) in files)
            {
                var file = new FileInfo(System.IO.Path.Join(_root.FullName, name));
                file.Directory!.Create();
                File.WriteAllText(file.FullName, content);
            }
        }

        public string Path => _root.FullName;

        public void Dispose() => _root.Delete(recursive: true);
    }
}
