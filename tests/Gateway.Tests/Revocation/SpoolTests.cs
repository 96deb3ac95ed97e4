using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Revocation;
using Gateway.Onboarding.Store;
using Gateway.Tests.Commands;
using Gateway.Tests.Store;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Revocation;

/// <summary><c>gateway revoke</c> while the gateway does not run, or hangs.</summary>
public sealed class SpoolTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("gateway-spool-");
    private readonly SomeHistory _some = new(1);

    public void Dispose()
    {
        _some.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task A_revocation_without_a_gateway_is_left_and_applied_at_its_next_start()
    {
        var device = Stored();
        var shell = Shell();

        Assert.Equal(0, await shell.RunAsync($"revoke {device.Label} --cut --config {Config()}"));

        Assert.Contains($"{device.Label} ({device.Id}) will be revoked before the gateway serves anybody again.", shell.Out, StringComparison.Ordinal);
        Assert.Contains("warning: the gateway is not running", shell.Error, StringComparison.Ordinal);
        var state = Apply();
        Assert.Equal(Standing.Refused, state.Devices[device.Id].Standing);
        Assert.Contains("while the gateway did not answer", state.Devices[device.Id].Revocation!.RequestedBy, StringComparison.Ordinal);
        Assert.Empty(_directory.GetFiles("spool-*"));
    }

    [Fact]
    public async Task For_scripts_it_is_JSON_also_without_a_gateway()
    {
        var device = Stored();
        var shell = Shell();

        Assert.Equal(0, await shell.RunAsync($"revoke {device.Label} --json --config {Config()}"));

        Assert.Equal("[]", shell.Out.Trim());
        Assert.Contains("will be revoked", shell.Error, StringComparison.Ordinal);
        Assert.False(Apply().Devices[device.Id].IsLive);
    }

    [Fact]
    public async Task A_member_can_leave_without_a_gateway()
    {
        var device = Stored();

        Assert.Equal(0, await Shell().RunAsync($"revoke --member {device.Member} --keep-messages --yes --config {Config()}"));

        var state = Apply();
        Assert.Equal(MemberState.Left, state.Members[device.Member].State);
        Assert.False(state.Devices[device.Id].IsLive);
    }

    /// <summary>A slip of the pen in an emergency must not pass for a revocation.</summary>
    [Theory]
    [InlineData("alcie/phone")]
    [InlineData("d-aaaaaaaa")]
    [InlineData("--member alcie --keep-messages --yes")]
    public async Task What_is_not_there_is_refused_also_without_a_gateway(string what)
    {
        Stored();
        var shell = Shell();

        Assert.Equal(1, await shell.RunAsync($"revoke {what} --config {Config()}"));

        Assert.Contains("error: there is no ", shell.Error, StringComparison.Ordinal);
        Assert.Empty(_directory.GetFiles("spool-*"));
    }

    [Fact]
    public async Task Where_the_store_cannot_be_read_the_word_is_left_as_it_was_typed_and_that_is_said()
    {
        await File.WriteAllTextAsync(Path.Combine(_directory.FullName, "gateway.db"), "scribble");
        var shell = Shell();

        Assert.Equal(0, await shell.RunAsync($"revoke alice/phone --config {Config()}"));

        Assert.Contains("nobody has checked that there is such a device", shell.Error, StringComparison.Ordinal);
        Assert.Single(_directory.GetFiles("spool-*.json"));
    }

    [Fact]
    public async Task Without_a_data_directory_nothing_is_said_to_be_revoked()
    {
        var shell = Shell();

        Assert.Equal(3, await shell.RunAsync($"revoke alice/phone --config {Config("/nonexistent")}"));

        Assert.Contains("could not be left", shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gateway_that_runs_takes_up_what_was_left_while_it_did_not_answer()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");
        RevocationSpool.Leave(gateway.DataDirectory, new SpooledRevocation("alice/phone", null, Cut: true, Erase: false, gateway.Clock.GetUtcNow()));

        gateway.Service<RevocationSpool>().ApplyAll();

        Assert.False(gateway.Device("alice/phone").IsLive);
    }

    [Theory]
    [InlineData("""{"Device":"nobody/phone","Member":null,"Cut":true,"Erase":false,"At":"2026-11-22T09:00:00Z"}""")]
    [InlineData("""{"Device":null,"Member":null,"Cut":true,"Erase":false,"At":"2026-11-22T09:00:00Z"}""")]
    [InlineData("not JSON")]
    public void What_names_nothing_is_kept_beside_and_holds_up_nothing(string content)
    {
        var device = Stored();
        File.WriteAllText(Path.Combine(_directory.FullName, "spool-0.json"), content);
        RevocationSpool.Leave(_directory.FullName, new SpooledRevocation(device.Id.ToString(), null, Cut: false, Erase: false, SomeHistory.At));

        Assert.False(Apply().Devices[device.Id].IsLive);

        Assert.Equal("spool-0.json.refused", Assert.Single(_directory.GetFiles("spool-*")).Name);
    }

    private Device Stored()
    {
        var device = _some.SomeDevice(1) with { Member = Localpart.Parse("alice", null) };
        using var directory = Open();
        new StateWriter(directory.Store).Write(
            new MemberAdded(device.Member, null, Adopted: false) { At = SomeHistory.At },
            new AccountMade(device.Member) { At = SomeHistory.At },
            new DeviceEnrolled(device, "admin") { At = SomeHistory.At });
        return device;
    }

    private State Apply()
    {
        using var directory = Open();
        var writer = new StateWriter(directory.Store);
        new RevocationSpool(_directory.FullName, new Revoker(writer, _ => { }, TimeProvider.System), Microsoft.Extensions.Logging.Abstractions.NullLogger<RevocationSpool>.Instance).ApplyAll();
        return writer.Current;
    }

    private DataDirectory Open() => DataDirectory.Open(_directory.FullName, new Entropy(), TimeProvider.System);

    private static Shell Shell() => new();

    private string Config(string? directory = null)
    {
        var file = Path.Combine(_directory.FullName, "gateway.json");
        File.WriteAllText(file, $$$"""{ "Gateway": { "DataDirectory": "{{{directory ?? _directory.FullName}}}" }, "Admin": { "Socket": "{{{_directory.FullName}}}/admin.sock" } }""");
        return file;
    }
}
