using Gateway.Admin;
using Gateway.Diagnosis;
using Gateway.Onboarding.Revocation;
using Gateway.Tests.Commands;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Diagnosis;

/// <summary>The doctor as a whole: in the running program, and on the command line.</summary>
public sealed class DoctorTests
{
    [Fact]
    public async Task A_check_that_throws_is_unknown_and_keeps_no_other_from_looking()
    {
        var doctor = new Doctor([new Look("first", () => throw new InvalidOperationException("no eyes")), new Look("second", () => Finding.Ok("second", "well"))]);

        var findings = await doctor.ExamineAsync(default);

        Assert.Equal(["first Unknown could not be looked at: no eyes", "second Ok well"], findings.Select(finding => $"{finding.Name} {finding.Verdict} {finding.Detail}"));
    }

    [Fact]
    public async Task The_running_gateway_is_looked_at_from_all_sides()
    {
        await using var gateway = await TestGateway.StartAsync();

        var findings = (await gateway.Admin.DoctorAsync(default)).View;

        Assert.Equal(
            [
                "listener", "firewall", "tunnel", "outside", "homeserver", "wireguard", "service token", "messages", "Synapse", ".NET", "registration", "guests",
                "federation", "public rooms", "certificate", "trust", "name", "clock", "revocations", "backup", "homeserver backup", "drill", "disk",
            ],
            findings.Select(finding => finding.Name));
        Assert.Equal("warning", findings.Single(finding => finding.Name == "trust").Verdict);
        Assert.All(["certificate", "name", "revocations"], name => Assert.Equal("ok", findings.Single(finding => finding.Name == name).Verdict));
    }

    [Fact]
    public async Task A_revocation_that_does_not_end_is_told_after_five_minutes()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        gateway.Homeserver.Interfere = FakeHomeserver.Down;
        gateway.Service<Revoker>().RevokeDevice("alice/phone", cut: false, "test");
        await Eventually.Is(() => gateway.Device("alice/phone").Revocation!.Steps.Any(step => step.State == Gateway.Onboarding.Devices.StepState.Retrying), TimeSpan.FromSeconds(10));
        var check = gateway.Service<IEnumerable<ICheck>>().OfType<RevocationCheck>().Single();

        var early = Assert.Single(await check.LookAsync(default));
        gateway.Clock.Advance(TimeSpan.FromMinutes(6));
        var late = Assert.Single(await check.LookAsync(default));

        Assert.Equal((Verdict.Ok, Verdict.Fault), (early.Verdict, late.Verdict));
        Assert.Contains("alice/phone", late.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ok", 0)]
    [InlineData("warning", 0)]
    [InlineData("unknown", 1)]
    [InlineData("fault", 1)]
    public async Task The_exit_code_tells_a_timer(string verdict, int exitCode)
    {
        await using var socket = await AdminSocket.StartAsync();
        socket.Answers<IReadOnlyList<FindingView>>("GET /v1/doctor", [new("name", "ok", "it is", null), new("disk", verdict, "as it is", "this is to be done")], AdminJson.Default.IReadOnlyListFindingView);
        var shell = new Shell(socket);

        Assert.Equal(exitCode, await shell.RunAsync("doctor"));

        Assert.Contains("  ok       name  it is\n", shell.Out, StringComparison.Ordinal);
        Assert.Contains("→ this is to be done\n", shell.Out, StringComparison.Ordinal);
    }

    private sealed class Look(string name, Func<Finding> look) : ICheck
    {
        public string Name => name;

        public async Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken)
        {
            await Task.Yield();
            return [look()];
        }
    }
}
