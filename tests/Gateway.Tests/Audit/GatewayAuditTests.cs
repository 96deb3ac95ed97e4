using Gateway.Admin;
using Gateway.Commands;
using Gateway.Onboarding.Audit;
using Gateway.Onboarding.Store;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Audit;

/// <summary>The audit in the running program.</summary>
public sealed class GatewayAuditTests
{
    [Fact]
    public async Task Who_did_what_to_which_device_and_how_it_ended_is_there_in_order()
    {
        await using var gateway = await TestGateway.StartAsync();
        var enrolment = await gateway.EnrolAsync("alice");
        using (await gateway.SignInAsync(enrolment))
        {
            await gateway.Admin.RevokeAsync(new RevocationRequest("alice/phone", null, Cut: true, Erase: false), default);
        }

        var (entries, _) = await gateway.Admin.AuditAsync(null, null, default);

        Assert.Equal(Enumerable.Range(1, entries.Count), entries.Select(entry => (int)entry.Number));
        Assert.Equal(gateway.State.Generation, entries[^1].Number);
        Assert.Contains(entries, entry => entry is { Action: "device enrolled", Device: "alice/phone", Detail: "by admin" });
        Assert.Contains(entries, entry => entry is { Action: "signed in", Member: "alice" });
        Assert.Contains(entries, entry => entry is { Action: "device revoked", Device: "alice/phone", Detail: "by admin, cut" });
        Assert.Contains(entries, entry => entry is { Action: "revocation: matrix-sessions", Detail: "done" });
    }

    [Fact]
    public async Task It_can_be_narrowed_to_a_device_and_a_time()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        gateway.Clock.Advance(TimeSpan.FromMinutes(1));
        await gateway.EnrolAsync("bob");

        var (ofAlice, _) = await gateway.Admin.AuditAsync(null, "alice/phone", default);
        var (byId, _) = await gateway.Admin.AuditAsync(null, alice.Device.Id, default);
        var (today, _) = await gateway.Admin.AuditAsync(gateway.Clock.GetUtcNow(), null, default);

        Assert.NotEmpty(ofAlice);
        Assert.All(ofAlice, entry => Assert.Equal(alice.Device.Id, entry.DeviceId));
        Assert.Equal(ofAlice, byId);
        Assert.Contains(today, entry => entry is { Action: "device enrolled", Device: "bob/phone" });
        Assert.DoesNotContain(today, entry => entry is { Action: "device enrolled", Device: "alice/phone" });
    }

    [Fact]
    public async Task Tampering_with_the_running_gateways_log_is_found_and_a_head_is_refused()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");
        var (head, _) = await gateway.Admin.AuditHeadAsync(default);
        Assert.True((await gateway.Admin.AuditCheckAsync(head.Line, default)).View.Ok);
        var file = Path.Combine(gateway.Service<GatewayOptions>().DataDirectory, "audit.log");
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[^50] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);

        var (check, _) = await gateway.Admin.AuditCheckAsync(null, default);
        var refusal = await Assert.ThrowsAsync<CommandException>(() => gateway.Admin.AuditHeadAsync(default));

        Assert.Equal(("changed", gateway.State.Generation), (check.Fault?.What, check.Fault?.Number));
        Assert.Contains("not whole", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revocation_is_done_although_the_audit_has_no_disk()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");
        var audit = gateway.Service<AuditLog>();
        var file = Path.Combine(gateway.Service<GatewayOptions>().DataDirectory, "audit.log");
        audit.Dispose();

        var (devices, _) = await gateway.Admin.RevokeAsync(new RevocationRequest("alice/phone", null, Cut: true, Erase: false), default);
        var (status, _) = await gateway.Admin.StatusAsync(default);

        Assert.Equal("revoked", Assert.Single(devices).State);
        Assert.True(File.Exists(file));
        Assert.False(status.Audit?.Ok);
        Assert.False(status.Healthy);
        Assert.Contains("wait to be written", status.Audit!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Old_entries_go_at_the_next_daily_look()
    {
        await using var gateway = await TestGateway.StartAsync(("Audit:RetentionDays", "10"));
        gateway.Service<StateWriter>().Write(new Locked("admin") { At = gateway.Clock.GetUtcNow().AddDays(-11) });

        gateway.Clock.Advance(TimeSpan.FromDays(1));
        gateway.Service<AuditKeeper>().WorkOnce();

        var (check, _) = await gateway.Admin.AuditCheckAsync(null, default);
        Assert.True(check.Ok);
        Assert.Equal((0, 1L), (check.Entries, check.Dropped!.Number));
    }

    [Fact]
    public async Task Zero_days_keep_everything()
    {
        await using var gateway = await TestGateway.StartAsync(("Audit:RetentionDays", "0"));
        gateway.Service<StateWriter>().Write(new Locked("admin") { At = gateway.Clock.GetUtcNow().AddDays(-5000) });

        gateway.Service<AuditKeeper>().WorkOnce();

        Assert.Equal(1, (await gateway.Admin.AuditCheckAsync(null, default)).View.Entries);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("0.5")]
    [InlineData("NaN")]
    [InlineData("100000")]
    public void A_retention_that_makes_no_sense_is_a_fault(string days) =>
        Assert.Single(new AuditOptions { RetentionDays = double.Parse(days, System.Globalization.CultureInfo.InvariantCulture) }.Faults());
}
