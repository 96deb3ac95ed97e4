using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Gateway.Tests.Deploy;

/// <summary>The units as systemd itself reads and judges them; it need not run for that.</summary>
public sealed class UnitFileTests
{
    /// <summary>systemd-analyze(1) counts exposure from 0 to 10, and takes ten times as much as a threshold.</summary>
    private const int MostExposure = 20;

    [Theory]
    [InlineData("gateway.service")]
    [InlineData("gateway-homeserver.service")]
    [InlineData("gateway-backup.service")]
    [InlineData("gateway-certificate.service")]
    public async Task A_unit_shuts_what_it_does_not_need(string unit)
    {
        var (exitCode, said) = await AnalyzeAsync("security", "--offline=true", "--no-pager", $"--threshold={MostExposure}", Unit(unit));

        Assert.True(exitCode == 0, said);
        Assert.Contains("Overall exposure level", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gateway.service")]
    [InlineData("gateway-homeserver.service")]
    [InlineData("gateway-backup.service")]
    [InlineData("gateway-backup.timer")]
    [InlineData("gateway-firewall.service")]
    [InlineData("gateway-certificate.service")]
    [InlineData("gateway-certificate.timer")]
    public async Task Systemd_understands_every_line(string unit)
    {
        var (_, said) = await AnalyzeAsync("verify", "--man=no", Unit(unit));

        // That the programs are not installed here is no fault of the file.
        Assert.DoesNotContain(said.Split('\n'), line => line.Contains(unit, StringComparison.Ordinal) && !line.Contains("is not executable", StringComparison.Ordinal) && !line.Contains("No such file", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_program_starts_under_its_units_system_call_filter()
    {
        var (exitCode, said) = await RunAsync(Beside("under-filter"), Unit("gateway.service"), "dotnet", Path.Combine(AppContext.BaseDirectory, "gateway.dll"), "--help");

        Assert.True(exitCode == 0, said);
        Assert.Contains("enrol", said, StringComparison.Ordinal);
    }

    private static string Beside(string name, [CallerFilePath] string file = "") => Path.Combine(Path.GetDirectoryName(file)!, name);

    private static string Unit(string name, [CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../../deploy/systemd", name));

    private static Task<(int ExitCode, string Said)> AnalyzeAsync(params string[] arguments) => RunAsync("systemd-analyze", arguments);

    private static async Task<(int ExitCode, string Said)> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        var errors = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, said + await errors);
    }
}
