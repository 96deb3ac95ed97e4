using System.Net;
using System.Text.Json;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>
/// What a member keeps when a phone is gone: old messages come back from the key backup, and a new identity takes the place
/// of the one that the lost phone may still hold.
/// </summary>
[Collection(SharedLab.Name)]
public sealed class RecoveryStory(TestLab lab) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task Old_messages_come_back_from_the_backup_also_where_a_session_ID_has_a_slash()
    {
        var phone = await lab.SignInAsync("veronika");
        var recoveryKey = await phone.Client.SetUpRecoveryAsync();
        var room = await phone.Client.CreateRoomAsync();
        var sent = await phone.Client.SendInSlashedSessionAsync(room, "avant");
        var target = await BackupTargetAsync(phone, room, sent);
        var stored = await Until.ValueAsync("the backup has the session", TimeSpan.FromSeconds(20), () => InBackupAsync(phone, target), found => found is not null);
        // Off: else it could hand the keys over itself.
        await phone.Phone.Space.IpAsync("link", "set", phone.Phone.Link, "down");

        var laptop = await lab.SignInAsync("veronika", "laptop");
        await laptop.Client.RecoverAsync(recoveryKey);
        var read = await laptop.Client.ReceiveAsync("avant");
        var throughGateway = await laptop.Phone.GetAsync(target, laptop.Client.AccessToken);

        Assert.Equal("m.room.encrypted", read.GetProperty("sentAs").GetString());
        Assert.True(JsonElement.DeepEquals(stored!.Value, throughGateway.Json), throughGateway.Text);
    }

    [Fact]
    public async Task After_a_lost_phone_the_new_one_replaces_the_identity_once_and_again_with_a_code()
    {
        var lost = await lab.SignInAsync("wilhelma");
        await lost.Client.SetUpRecoveryAsync();
        var first = await MasterKeyAsync(lost);
        (await lab.Gateway.RunAsync("revoke", "wilhelma/phone")).Expect();

        var fresh = await lab.SignInAsync("wilhelma", "phone");
        var second = await fresh.Client.ResetIdentityAsync();
        var known = await MasterKeyAsync(fresh);
        var refused = await Assert.ThrowsAsync<InstructionException>(() => fresh.Client.ResetIdentityAsync());
        var afterRefusal = await MasterKeyAsync(fresh);
        var code = (await lab.Gateway.JsonAsync("allow-login", "wilhelma/phone")).GetProperty("loginCode").GetString()!;
        var third = await fresh.Client.ResetIdentityAsync(code);

        Assert.NotEqual(first, second);
        Assert.Equal(second, known);
        Assert.Equal((int)HttpStatusCode.Unauthorized, refused.Status);
        Assert.Equal(second, afterRefusal);
        Assert.NotEqual(second, third);
        Assert.Equal(third, await MasterKeyAsync(fresh));
        Assert.Equal([fresh.Client.SessionId], await lab.Homeserver.SessionsAsync(fresh.UserId));
    }

    [Fact]
    public async Task Another_own_session_is_ended_with_the_code_as_the_password()
    {
        var phone = await lab.SignInAsync("yasmin");
        var laptop = await lab.SignInAsync("yasmin", "laptop");
        await laptop.CalmAsync();

        var asked = await Assert.ThrowsAsync<InstructionException>(() => phone.Client.EndSessionAsync(laptop.Client.SessionId));
        var wrong = await Assert.ThrowsAsync<InstructionException>(() => phone.Client.EndSessionAsync(laptop.Client.SessionId, "a password"));
        var still = await lab.Homeserver.SessionsAsync(phone.UserId);
        var code = (await lab.Gateway.JsonAsync("allow-login", "yasmin/phone")).GetProperty("loginCode").GetString()!;
        await phone.Client.EndSessionAsync(laptop.Client.SessionId, code);
        var told = await laptop.Client.LoggedOutAsync();

        Assert.Equal((int)HttpStatusCode.Unauthorized, asked.Status);
        Assert.Equal((int)HttpStatusCode.Unauthorized, wrong.Status);
        Assert.Equal("M_FORBIDDEN", wrong.ErrorCode);
        Assert.Equal(2, still.Count);
        Assert.Equal([phone.Client.SessionId], await lab.Homeserver.SessionsAsync(phone.UserId));
        Assert.Equal("M_UNKNOWN_TOKEN", told.GetProperty("errcode").GetString());
        Assert.Empty((await lab.Gateway.DeviceAsync(laptop.Device)).GetProperty("sessions").EnumerateArray());
        Assert.Empty(await phone.Client.DisturbancesAsync());
    }

    /// <summary>The backup's entry for one session, as clients write its address.</summary>
    private static async Task<string> BackupTargetAsync(Member member, string room, string session)
    {
        Assert.Contains("/", session, StringComparison.Ordinal);
        var version = (await member.Phone.GetAsync("_matrix/client/v3/room_keys/version", member.Client.AccessToken)).Json.GetProperty("version").GetString();
        return $"_matrix/client/v3/room_keys/keys/{Uri.EscapeDataString(room)}/{Uri.EscapeDataString(session)}?version={version}";
    }

    /// <summary>What Synapse itself holds there, asked behind the gateway's back; null where it has nothing.</summary>
    private async Task<JsonElement?> InBackupAsync(Member member, string target)
    {
        try
        {
            return await lab.Homeserver.AskAsync(HttpMethod.Get, $"{target}&user_id={Uri.EscapeDataString(member.UserId)}");
        }
        catch (InvalidOperationException e) when (e.Message.Contains("M_NOT_FOUND", StringComparison.Ordinal))
        {
            return null;
        }
    }

    /// <summary>The member's public master key as Synapse holds it.</summary>
    private async Task<string> MasterKeyAsync(Member member)
    {
        var answer = await lab.Homeserver.AskAsync(
            HttpMethod.Post, $"_matrix/client/v3/keys/query?user_id={Uri.EscapeDataString(member.UserId)}", $$"""{"device_keys": { "{{member.UserId}}": [] } }""");
        return answer.GetProperty("master_keys").GetProperty(member.UserId).GetProperty("keys").EnumerateObject().Single().Value.GetString()!;
    }
}
