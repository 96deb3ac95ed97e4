using System.Text;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;

namespace Gateway.Tests.Store;

public sealed class StoreTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 9, 0, 0, TimeSpan.Zero);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("gateway-store-");
    private readonly Entropy _entropy = new();

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void What_was_written_is_there_again()
    {
        State before;
        var device = SomeDevice("alice");
        using (var first = Open())
        {
            var writer = new StateWriter(first.Store);
            writer.Write(new MemberAdded(device.Member, "Élise ☂", Adopted: false) { At = Now });
            writer.Write(new AccountMade(device.Member) { At = Now });
            writer.Write(new DeviceEnrolled(device, "admin") { At = Now });
            writer.Write(new Locked("admin") { At = Now });
            before = writer.Current;
        }

        using var second = Open();
        var after = second.Store.Load();

        Assert.Equal(before.Generation, after.Generation);
        Assert.Equal(before.LockedSince, after.LockedSince);
        Assert.Equal(before.Members[device.Member], after.Members[device.Member]);
        var loaded = after.Devices[device.Id];
        Assert.True(loaded.PresharedKey.Matches(device.PresharedKey));
        Assert.Equal(
            device with { PresharedKey = loaded.PresharedKey, Sessions = loaded.Sessions },
            loaded);
        Assert.Equal([1, 2, 3, 4], second.Store.ReadIntents().Select(entry => (int)entry.Number));
    }

    [Fact]
    public void A_stolen_file_shows_no_secret_and_no_member()
    {
        var device = SomeDevice("alice-in-the-group");
        using (var directory = Open())
        {
            var writer = new StateWriter(directory.Store);
            writer.Write(new MemberAdded(device.Member, "Élise", Adopted: false) { At = Now });
            writer.Write(new DeviceEnrolled(device, "admin") { At = Now });
            directory.Store.Secret("as-token", () => Encoding.ASCII.GetBytes("the-token-that-rules-the-server"));
        }

        var bytes = string.Concat(_directory.GetFiles("gateway*.db").Select(file => Encoding.Latin1.GetString(File.ReadAllBytes(file.FullName))));
        Assert.Contains("devices", bytes, StringComparison.Ordinal);
        foreach (var secret in new[] { "alice-in-the-group", "Élise", "198.19.0.2", device.Id.ToString(), device.PublicKey.ToString(), device.PresharedKey.Reveal(), "the-token-that-rules-the-server" })
        {
            Assert.DoesNotContain(secret, bytes, StringComparison.Ordinal);
            Assert.DoesNotContain(Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(secret)), bytes, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_second_gateway_on_the_same_directory_is_refused()
    {
        using var first = Open();

        var refusal = Assert.Throws<StoreException>(Open);

        Assert.Contains("another gateway", refusal.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_its_key_the_database_is_not_overwritten()
    {
        using (Open())
        {
        }

        var size = new FileInfo(Path.Combine(_directory.FullName, "gateway.db")).Length;
        File.Delete(Path.Combine(_directory.FullName, "store.key"));

        Assert.Throws<StoreException>(Open);
        Assert.Equal(size, new FileInfo(Path.Combine(_directory.FullName, "gateway.db")).Length);
    }

    [Fact]
    public void Another_key_opens_nothing()
    {
        using (var directory = Open())
        {
            new StateWriter(directory.Store).Write(new Locked("admin") { At = Now });
        }

        File.WriteAllBytes(Path.Combine(_directory.FullName, "store.key"), _entropy.Bytes(32));

        // Under another key the names differ too: what is there must not be taken for nothing.
        var refusal = Assert.Throws<StoreException>(Open);
        Assert.Contains("another key", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_key_is_for_its_owner_alone()
    {
        using var directory = Open();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_directory.FullName, "store.key")));
    }

    private DataDirectory Open() => DataDirectory.Open(_directory.FullName, _entropy, TimeProvider.System);

    private Device SomeDevice(string member)
    {
        using var key = PrivateKey.Generate(_entropy);
        return new Device
        {
            Id = DeviceId.Generate(_entropy),
            Member = Localpart.Parse(member, null),
            Name = "phone",
            TunnelAddress = System.Net.IPAddress.Parse("198.19.0.2"),
            PublicKey = key.PublicKey(),
            PresharedKey = PresharedKey.Generate(_entropy),
            Standing = Standing.Admitted,
            EnrolledAt = Now,
            EnrolmentEnds = Now.AddMinutes(15),
            FirstHandshake = null,
            Grant = null,
            Sessions = [],
            Revocation = null,
        };
    }
}
