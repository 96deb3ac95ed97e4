using Gateway.Admin;
using Microsoft.Extensions.Configuration;

namespace Gateway.Tests.Commands;

public sealed class HomeserverConfigTests : IAsyncLifetime
{
    private const UnixFileMode Registered = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    private AdminSocket _socket = null!;

    private string Directory => Path.Join(_socket.Directory, "synapse");

    private string Registration => Path.Join(Directory, "registration.yaml");

    private string Settings => Path.Join(Directory, "gateway.yaml");

    public async ValueTask InitializeAsync()
    {
        _socket = await AdminSocket.StartAsync();
        Answers("as_token: one\n");
    }

    public ValueTask DisposeAsync() => _socket.DisposeAsync();

    [Fact]
    public async Task Both_files_are_written_and_the_secret_one_is_not_for_everybody()
    {
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync($"homeserver-config --output {Directory}"));

        Assert.Equal("as_token: one\n", await File.ReadAllTextAsync(Registration));
        Assert.Equal("presence: off\n", await File.ReadAllTextAsync(Settings));
        Assert.Equal(Registered, File.GetUnixFileMode(Registration));
        Assert.Equal(Registered | UnixFileMode.OtherRead, File.GetUnixFileMode(Settings));
        Assert.DoesNotContain("as_token", shell.Out + shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_run_touches_nothing_that_is_right()
    {
        await new Shell(_socket).RunAsync($"homeserver-config --output {Directory}");
        var before = File.GetLastWriteTimeUtc(Registration);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync($"homeserver-config --output {Directory}"));

        Assert.Equal($"{Settings}: right already\n{Registration}: right already\n", shell.Out);
        Assert.Equal(before, File.GetLastWriteTimeUtc(Registration));
    }

    [Fact]
    public async Task A_registration_that_everybody_could_read_is_narrowed_and_replaced()
    {
        System.IO.Directory.CreateDirectory(Directory);
        await File.WriteAllTextAsync(Registration, "as_token: something much longer that has to go\n");
        File.SetUnixFileMode(Registration, Registered | UnixFileMode.OtherRead);

        Assert.Equal(0, await new Shell(_socket).RunAsync($"homeserver-config --output {Directory}"));

        Assert.Equal("as_token: one\n", await File.ReadAllTextAsync(Registration));
        Assert.Equal(Registered, File.GetUnixFileMode(Registration));
    }

    [Fact]
    public async Task A_place_that_cannot_be_written_is_named()
    {
        var shell = new Shell(_socket);

        Assert.Equal(1, await shell.RunAsync($"homeserver-config --output {_socket.ConfigFile}/below"));

        Assert.StartsWith($"error: cannot write to {_socket.ConfigFile}/below: ", shell.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("366")]
    [InlineData("-14")]
    [InlineData("14.5")]
    [InlineData("two weeks")]
    public void How_long_things_are_kept_is_a_number_of_days(string days)
    {
        var (_, faults) = Gateway.Settings.Check(new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal) { ["Homeserver:RetentionDays"] = days }).Build());

        Assert.Contains(faults, fault => fault.Contains("Homeserver:RetentionDays", StringComparison.Ordinal) && fault.Contains(days, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_running_gateways_number_of_days_is_written()
    {
        await using var gateway = await Gateway.Tests.Testing.TestGateway.StartAsync(("Homeserver:RetentionDays", "30"));

        var (view, _) = await gateway.Admin.HomeserverConfigAsync("/etc/gateway-registration.yaml", default);

        Assert.Contains("max_lifetime: 30d ", view.Settings, StringComparison.Ordinal);
        Assert.DoesNotContain(": 14d", view.Settings, StringComparison.Ordinal);
    }

    private void Answers(string registration) => _socket.Answers(
        "GET /v1/homeserver-config", new HomeserverConfigView(registration, "presence: off\n", SettingsAreSecret: false), AdminJson.Default.HomeserverConfigView);
}
