using Gateway.Admin.Pages;
using Gateway.Commands;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Revocation;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Enrolment;

/// <summary>The member of <c>gateway drill</c>, who is nobody: only a drill enrols it, and the group does not see it.</summary>
public sealed class DrillMemberTests
{
    [Fact]
    public async Task It_is_enrolled_signs_in_and_is_lost_as_any_other_and_nobody_has_a_new_identity_to_make()
    {
        await using var gateway = await TestGateway.StartAsync();

        await PlayAsync(gateway);
        await PlayAsync(gateway);

        Assert.Equal(2, gateway.State.Devices.Count);
        Assert.DoesNotContain(gateway.State.Devices.Values, device => device.IsLive);
        Assert.Empty(gateway.Homeserver.Accounts["gateway-drill"]);
        Assert.Null(gateway.State.Members[Localpart.Drill].ResetDueSince);
        Assert.DoesNotContain("gateway-drill", gateway.Homeserver.DisplayNames.Keys);
    }

    [Fact]
    public async Task It_is_no_member_in_counts_and_lists_but_while_it_has_a_device()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");
        var roster = gateway.Service<Roster>();

        var (enrolled, _) = await gateway.Admin.EnrolDrillAsync(default);
        Assert.Equal(["alice", "gateway-drill"], roster.Members(gateway.State, "", left: false).Select(row => row.Localpart));
        await gateway.Admin.RevokeAsync(new(enrolled.Device.Id, null, Cut: true, Erase: false), default);

        Assert.Equal(["alice"], roster.Members(gateway.State, "", left: false).Select(row => row.Localpart));
        Assert.Equal(["alice"], (await gateway.Admin.MembersAsync(default)).View.Select(member => member.Member));
        Assert.Equal(1, roster.Counts(gateway.State).Members);
        Assert.Equal(1, (await gateway.Admin.StatusAsync(default)).View.Counts.Members);
    }

    [Fact]
    public async Task Nobody_else_is_enrolled_by_its_name_and_it_never_leaves()
    {
        await using var gateway = await TestGateway.StartAsync();
        await PlayAsync(gateway);

        var enrolled = await Assert.ThrowsAsync<CommandException>(() => gateway.EnrolAsync("gateway-drill"));
        var left = await Assert.ThrowsAsync<CommandException>(() => gateway.Admin.RevokeAsync(new(null, "gateway-drill", Cut: false, Erase: false), default));

        Assert.Contains("reserved", enrolled.Message, StringComparison.Ordinal);
        Assert.Contains("does not leave", left.Message, StringComparison.Ordinal);
        Assert.Equal(MemberState.Active, gateway.State.Members[Localpart.Drill].State);
        await PlayAsync(gateway);
    }

    [Fact]
    public async Task Its_account_from_before_a_restore_is_taken_but_not_one_that_somebody_uses()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Homeserver.Accounts["gateway-drill"] = new(StringComparer.Ordinal) { ["THEIRS"] = "syt_theirs" };

        var refused = await Assert.ThrowsAsync<CommandException>(() => gateway.Admin.EnrolDrillAsync(default));
        gateway.Homeserver.Accounts["gateway-drill"].Clear();
        await PlayAsync(gateway);

        Assert.Contains("already has an account", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_was_forgotten_is_ended_by_the_gateway_itself()
    {
        await using var gateway = await TestGateway.StartAsync();
        var (enrolled, _) = await gateway.Admin.EnrolDrillAsync(default);
        var alice = await gateway.EnrolAsync("alice");
        gateway.Service<EnrolmentWatch>().HandshakeSeen(PublicKey.Parse(enrolled.Device.PublicKey, null), gateway.Clock.GetUtcNow());
        var worker = gateway.Service<RevocationWorker>();

        gateway.Clock.Advance(TimeSpan.FromMinutes(9));
        await worker.WorkOnceAsync(default);
        Assert.True(gateway.Device(enrolled.Device.Id).IsLive);
        gateway.Clock.Advance(TimeSpan.FromMinutes(2));
        await worker.WorkOnceAsync(default);

        Assert.False(gateway.Device(enrolled.Device.Id).HasPeer);
        Assert.True(gateway.Device(alice.Device.Id).IsLive);
        Assert.DoesNotContain((await gateway.Admin.DevicesAsync(null, null, default)).View, device => device.Member == "gateway-drill");
        Assert.Single((await gateway.Admin.DevicesAsync("gateway-drill", null, default)).View);
    }

    private static async Task PlayAsync(TestGateway gateway)
    {
        var (enrolled, _) = await gateway.Admin.EnrolDrillAsync(default);
        gateway.Service<EnrolmentWatch>().HandshakeSeen(PublicKey.Parse(enrolled.Device.PublicKey, null), gateway.Clock.GetUtcNow());
        using var app = await gateway.SignInAsync(enrolled);
        await gateway.Admin.RevokeAsync(new(enrolled.Device.Id, null, Cut: true, Erase: false), default);
    }
}
