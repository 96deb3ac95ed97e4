using System.Globalization;
using System.Net;
using System.Net.Http.Json;

namespace Gateway.Onboarding.Matrix;

/// <summary>What a homeserver made of a new room, and which ages of a message it showed.</summary>
public sealed record TrialOutcome(bool IsEncrypted, bool ShowsYoung, bool ShowsOld);

/// <summary>Finds out by trying what no homeserver tells when it is asked.</summary>
public sealed class HomeserverTrials(Homeserver homeserver, HomeserverAdmin admin)
{
    private string AsAccount => $"user_id={Uri.EscapeDataString(homeserver.ServerName.UserId(HomeserverAdmin.Account))}";

    /// <summary>
    /// Whether the application service's token is taken also from somebody who is not on this machine, as a stolen one would come.
    /// It is shown to the homeserver alone, which has it anyway.
    /// </summary>
    public async Task<bool> TakesServiceTokenFromAsync(IPAddress tunnelAddress, CancellationToken cancellationToken)
    {
        using var reply = await homeserver.SendAsync(HttpMethod.Get, "/_matrix/client/v3/account/whoami", null, cancellationToken, tunnelAddress: tunnelAddress);
        if (reply.StatusCode == HttpStatusCode.Unauthorized)
        {
            return false;
        }

        await Homeserver.Success(reply, cancellationToken);
        return true;
    }

    /// <summary>
    /// A room of the gateway's own account, with nobody else in it, and in it two messages that the application service dates
    /// back (Application Service API, "timestamp massaging"). It is deleted before the answer; should that fail, an empty
    /// room stays that nobody but the gateway sees.
    /// </summary>
    public async Task<TrialOutcome> NewRoomAsync(DateTimeOffset young, DateTimeOffset old, CancellationToken cancellationToken)
    {
        var room = await MakeAsync(cancellationToken);
        try
        {
            var isEncrypted = await IsThereAsync(room, "state/m.room.encryption", cancellationToken);
            var showsYoung = await ShowsAsync(room, young, cancellationToken);
            return new TrialOutcome(isEncrypted, showsYoung, await ShowsAsync(room, old, cancellationToken));
        }
        finally
        {
            // Also when nobody waits for the answer any more.
            await admin.DeleteRoomAsync(room, CancellationToken.None);
        }
    }

    private async Task<string> MakeAsync(CancellationToken cancellationToken)
    {
        // Of the homeserver's defaults nothing is overridden: they are what is asked for.
        var body = Homeserver.Json(new CreateRoomBody("private_chat"), MatrixWire.Default.CreateRoomBody);
        using var reply = await homeserver.SendAsync(HttpMethod.Post, $"/_matrix/client/v3/createRoom?{AsAccount}", body, cancellationToken);
        return Homeserver.Read(await Homeserver.Success(reply, cancellationToken), MatrixWire.Default.RoomReply)?.RoomId
            ?? throw new HomeserverException("the homeserver did not name the room that it made", happened: true);
    }

    private async Task<bool> ShowsAsync(string room, DateTimeOffset time, CancellationToken cancellationToken)
    {
        var ts = time.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        using var body = JsonContent.Create(new object(), MatrixWire.Default.Object);
        using var reply = await homeserver.SendAsync(HttpMethod.Put, $"{PathOf(room)}/send/gateway.trial/{ts}?ts={ts}&{AsAccount}", body, cancellationToken);
        var id = Homeserver.Read(await Homeserver.Success(reply, cancellationToken), MatrixWire.Default.EventReply)?.EventId
            ?? throw new HomeserverException("the homeserver did not name the message that it took", happened: true);
        return await IsThereAsync(room, $"event/{Uri.EscapeDataString(id)}", cancellationToken);
    }

    private async Task<bool> IsThereAsync(string room, string what, CancellationToken cancellationToken)
    {
        using var reply = await homeserver.SendAsync(HttpMethod.Get, $"{PathOf(room)}/{what}?{AsAccount}", null, cancellationToken);
        if (reply.StatusCode == HttpStatusCode.NotFound && await Homeserver.ErrorOf(reply, cancellationToken) is { Errcode: "M_NOT_FOUND" })
        {
            return false;
        }

        await Homeserver.Success(reply, cancellationToken);
        return true;
    }

    private static string PathOf(string room) => $"/_matrix/client/v3/rooms/{Uri.EscapeDataString(room)}";
}
