using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;

namespace Gateway.Onboarding.Matrix;

/// <summary>
/// Synapse's admin API, as the account <c>@gateway</c>: what the application service cannot do for a member. Its session is
/// opened as application service, always under one device ID, and its token is in memory alone.
/// </summary>
public sealed class HomeserverAdmin(Homeserver homeserver) : IDisposable
{
    public const string MatrixDeviceId = "GATEWAY";

    private const string Register = "/_synapse/admin/v1/register";
    private const string Rooms = "/_synapse/admin/v1/rooms";

    private readonly SemaphoreSlim _oneLogin = new(1);
    private AccessToken? _token;

    public static Localpart Account { get; } = Localpart.Parse("gateway", null);

    public void Dispose() => _oneLogin.Dispose();

    /// <summary>Whether the account is there and an administrator.</summary>
    public Task<bool> IsThereAsync(CancellationToken cancellationToken) => homeserver.IsAdminAsync(Account, cancellationToken);

    /// <summary>Makes the account with the shared secret. Its password is nobody's.</summary>
    public async Task MakeAsync(RegistrationSecret secret, Entropy entropy, CancellationToken cancellationToken)
    {
        using var reply = await RegisterAsync(secret, entropy, cancellationToken);
        var bytes = await Homeserver.Success(reply, cancellationToken);
        if (Homeserver.Read(bytes, MatrixWire.Default.WhoAmIReply)?.UserId != homeserver.ServerName.UserId(Account))
        {
            throw new HomeserverException("the homeserver did not say that it made the account", happened: true);
        }
    }

    /// <summary>
    /// Whether the homeserver still takes this secret, once the account is there: it finds the name in use only after it has
    /// checked the signature. Another secret, of the admin's own, is none of our business.
    /// </summary>
    public async Task<bool> TakesAsync(RegistrationSecret secret, Entropy entropy, CancellationToken cancellationToken)
    {
        using var reply = await RegisterAsync(secret, entropy, cancellationToken);
        if (reply.StatusCode is not (HttpStatusCode.BadRequest or HttpStatusCode.Forbidden or HttpStatusCode.NotFound))
        {
            await Homeserver.Success(reply, cancellationToken);
            return true;
        }

        return await Homeserver.ErrorOf(reply, cancellationToken) is { Errcode: "M_USER_IN_USE" };
    }

    /// <summary>A locked account keeps everything and opens nothing: its logins and tokens are answered M_USER_LOCKED.</summary>
    public async Task SetLockedAsync(Localpart localpart, bool locked, CancellationToken cancellationToken)
    {
        var bytes = await AskAsync(
            HttpMethod.Put,
            $"/_synapse/admin/v2/users/{Uri.EscapeDataString(homeserver.ServerName.UserId(localpart))}",
            () => Homeserver.Json(new LockedBody(locked), MatrixWire.Default.LockedBody),
            cancellationToken);
        if (Homeserver.Read(bytes, MatrixWire.Default.LockedReply)?.Locked != locked)
        {
            throw new HomeserverException($"the homeserver did not say that the account is {(locked ? "locked" : "open")}", happened: true);
        }
    }

    /// <summary>Synapse's own version, as it says it itself: <c>1.160.0</c>. It tells whoever may ask at all.</summary>
    public async Task<string> ServerVersionAsync(CancellationToken cancellationToken)
    {
        using var reply = await homeserver.SendAsync(HttpMethod.Get, "/_synapse/admin/v1/server_version", null, cancellationToken);
        return Homeserver.Read(await Homeserver.Success(reply, cancellationToken), MatrixWire.Default.VersionReply)?.ServerVersion
            ?? throw new HomeserverException("the homeserver did not say its version", happened: false);
    }

    /// <summary>Removes a room with everything in it, and waits until that is done.</summary>
    public Task DeleteRoomAsync(string room, CancellationToken cancellationToken) => AskAsync(
        HttpMethod.Delete,
        $"{Rooms}/{Uri.EscapeDataString(room)}",
        () => Homeserver.Json(new DeleteRoomBody(Block: false, Purge: true), MatrixWire.Default.DeleteRoomBody),
        cancellationToken);

    /// <summary>The first <paramref name="most"/> rooms, and how many there are.</summary>
    public async Task<(IReadOnlyList<string> Rooms, int Total)> RoomsAsync(int most, CancellationToken cancellationToken)
    {
        var bytes = await AskAsync(HttpMethod.Get, string.Create(CultureInfo.InvariantCulture, $"{Rooms}?limit={most}"), () => null, cancellationToken);
        return Homeserver.Read(bytes, MatrixWire.Default.RoomsReply) is { Rooms: { } rooms, TotalRooms: { } total } && rooms.All(room => room?.RoomId is not null)
            ? ([.. rooms.Select(room => room!.RoomId!)], total)
            : throw new HomeserverException("the homeserver did not list its rooms", happened: false);
    }

    /// <summary>
    /// When the first thing in a room came that came at this time or later; null where there is none. What Synapse has cut off from a
    /// room's history no longer counts, though it still keeps the room's state from then.
    /// </summary>
    public async Task<DateTimeOffset?> FirstSinceAsync(string room, DateTimeOffset time, CancellationToken cancellationToken)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"{Rooms}/{Uri.EscapeDataString(room)}/timestamp_to_event?ts={time.ToUnixTimeMilliseconds()}&dir=f");
        using var reply = await ReplyAsync(HttpMethod.Get, path, () => null, cancellationToken);
        if (reply.StatusCode == HttpStatusCode.NotFound && await Homeserver.ErrorOf(reply, cancellationToken) is { Errcode: "M_NOT_FOUND" })
        {
            return null;
        }

        var bytes = await Homeserver.Success(reply, cancellationToken);
        return Homeserver.Read(bytes, MatrixWire.Default.EventReply)?.OriginServerTs is { } ts
            ? DateTimeOffset.FromUnixTimeMilliseconds(ts)
            : throw new HomeserverException("the homeserver did not say when something came", happened: false);
    }

    /// <summary>Asks as the admin; a token that the homeserver no longer knows is replaced, once.</summary>
    private async Task<byte[]> AskAsync(HttpMethod method, string path, Func<HttpContent?> body, CancellationToken cancellationToken)
    {
        using var reply = await ReplyAsync(method, path, body, cancellationToken);
        return await Homeserver.Success(reply, cancellationToken);
    }

    private async Task<HttpResponseMessage> ReplyAsync(HttpMethod method, string path, Func<HttpContent?> body, CancellationToken cancellationToken)
    {
        var token = await TokenAsync(null, cancellationToken);
        var reply = await homeserver.SendAsync(method, path, body(), cancellationToken, token);
        if (reply.StatusCode == HttpStatusCode.Unauthorized)
        {
            reply.Dispose();
            token = await TokenAsync(token, cancellationToken);
            reply = await homeserver.SendAsync(method, path, body(), cancellationToken, token);
        }

        return reply;
    }

    private async Task<AccessToken> TokenAsync(AccessToken? refused, CancellationToken cancellationToken)
    {
        await _oneLogin.WaitAsync(cancellationToken);
        try
        {
            return _token is { } token && token != refused
                ? token
                : _token = await homeserver.LoginAsync(Account, MatrixDeviceId, "Gateway", cancellationToken);
        }
        finally
        {
            _oneLogin.Release();
        }
    }

    /// <summary>Synapse, docs/admin_api/register_api.md.</summary>
    private async Task<HttpResponseMessage> RegisterAsync(RegistrationSecret secret, Entropy entropy, CancellationToken cancellationToken)
    {
        using var first = await homeserver.SendAsync(HttpMethod.Get, Register, null, cancellationToken);
        var bytes = await Homeserver.Success(first, cancellationToken);
        var nonce = Homeserver.Read(bytes, MatrixWire.Default.NonceReply)?.Nonce
            ?? throw new HomeserverException("the homeserver gave no nonce", happened: false);
        var password = Convert.ToHexStringLower(entropy.Bytes(32));
        var said = Encoding.UTF8.GetBytes($"{nonce}\0{Account}\0{password}\0admin");
#pragma warning disable CA5350 // The homeserver's protocol; as a keyed hash SHA-1 is not broken.
        var mac = Convert.ToHexStringLower(HMACSHA1.HashData(Encoding.UTF8.GetBytes(secret.Reveal()), said));
#pragma warning restore CA5350
        var body = new SharedSecretBody(nonce, Account.ToString(), password, Admin: true, mac, InhibitLogin: true);
        return await homeserver.SendAsync(HttpMethod.Post, Register, Homeserver.Json(body, MatrixWire.Default.SharedSecretBody), cancellationToken);
    }
}
