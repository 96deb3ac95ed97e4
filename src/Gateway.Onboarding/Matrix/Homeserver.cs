using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;

namespace Gateway.Onboarding.Matrix;

/// <summary>
/// Our own calls to the homeserver, as its application service (Application Service API, "identity assertion"): accounts,
/// sessions and their end. Every call has a deadline and throws <see cref="HomeserverException"/>; those that delete may
/// be repeated. They say <c>X-Forwarded-For: 127.0.0.1</c>, the only address that the registration accepts.
/// </summary>
public sealed class Homeserver(HttpClient http, ServerName serverName, AsToken asToken)
{
    /// <summary>Long enough for a busy homeserver on a small machine, short enough that somebody still waits for the answer.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    public ServerName ServerName => serverName;

    /// <summary>The homeserver's own answer to <c>GET /_matrix/client/versions</c>.</summary>
    public async Task<byte[]> VersionsAsync(CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(HttpMethod.Get, "/_matrix/client/versions", null, cancellationToken);
        return await Success(reply, cancellationToken);
    }

    /// <summary>Makes an account without a password. False where the name is taken.</summary>
    public async Task<bool> RegisterAsync(Localpart localpart, CancellationToken cancellationToken)
    {
        var body = Json(new RegisterBody("m.login.application_service", localpart.ToString(), InhibitLogin: true), MatrixWire.Default.RegisterBody);
        using var reply = await SendAsync(HttpMethod.Post, "/_matrix/client/v3/register", body, cancellationToken);
        if (reply.StatusCode == HttpStatusCode.BadRequest && await ErrorOf(reply, cancellationToken) is { Errcode: "M_USER_IN_USE" })
        {
            return false;
        }

        var bytes = await Success(reply, cancellationToken);
        return Read(bytes, MatrixWire.Default.WhoAmIReply)?.UserId == serverName.UserId(localpart)
            ? true
            : throw new HomeserverException("the homeserver did not say that it made the account", happened: true);
    }

    /// <summary>Whether the account is a server admin: asked as the account itself, on a path that only admins may read. When in doubt, it throws.</summary>
    public async Task<bool> IsAdminAsync(Localpart localpart, CancellationToken cancellationToken)
    {
        var user = Uri.EscapeDataString(serverName.UserId(localpart));
        using var reply = await SendAsync(HttpMethod.Get, $"/_synapse/admin/v1/users/{user}/admin?user_id={user}", null, cancellationToken);
        return reply.StatusCode != HttpStatusCode.Forbidden
            && (Read(await Success(reply, cancellationToken), MatrixWire.Default.AdminReply)?.Admin
                ?? throw new HomeserverException("the homeserver did not say who is an administrator", happened: false));
    }

    public async Task SetDisplayNameAsync(Localpart localpart, string displayName, CancellationToken cancellationToken)
    {
        var user = Uri.EscapeDataString(serverName.UserId(localpart));
        var body = Json(new DisplayNameBody(displayName), MatrixWire.Default.DisplayNameBody);
        using var reply = await SendAsync(HttpMethod.Put, $"/_matrix/client/v3/profile/{user}/displayname?user_id={user}", body, cancellationToken);
        await Success(reply, cancellationToken);
    }

    /// <summary>Opens a session with the given device ID, without a refresh token. The token is returned and nowhere else.</summary>
    public async Task<AccessToken> LoginAsync(Localpart localpart, string matrixDeviceId, string? displayName, CancellationToken cancellationToken)
    {
        var body = Json(
            new LoginBody("m.login.application_service", new UserIdentifier("m.id.user", localpart.ToString()), matrixDeviceId, displayName),
            MatrixWire.Default.LoginBody);
        using var reply = await SendAsync(HttpMethod.Post, "/_matrix/client/v3/login", body, cancellationToken);
        var bytes = await Success(reply, cancellationToken);
        var login = Read(bytes, MatrixWire.Default.LoginReply);
        return login?.UserId == serverName.UserId(localpart) && login.DeviceId == matrixDeviceId && login.AccessToken is { Length: > 0 } token
            ? new AccessToken(token)
            : throw new HomeserverException("the homeserver opened another session than it was asked for", happened: true);
    }

    /// <summary>The IDs of the account's sessions.</summary>
    public async Task<IReadOnlySet<string>> SessionsAsync(Localpart localpart, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(HttpMethod.Get, As(localpart, "/_matrix/client/v3/devices"), null, cancellationToken);
        var bytes = await Success(reply, cancellationToken);
        return Read(bytes, MatrixWire.Default.DevicesReply) is { Devices: { } devices } && devices.All(device => device?.DeviceId is not null)
            ? devices.Select(device => device.DeviceId).ToHashSet(StringComparer.Ordinal)
            : throw new HomeserverException("the homeserver did not list the account's sessions", happened: false);
    }

    /// <summary>Deletes sessions with their tokens and pushers. Those that are not there are no error.</summary>
    public async Task DeleteSessionsAsync(Localpart localpart, IReadOnlyList<string> matrixDeviceIds, CancellationToken cancellationToken)
    {
        var body = Json(new DeleteDevicesBody(matrixDeviceIds), MatrixWire.Default.DeleteDevicesBody);
        using var reply = await SendAsync(HttpMethod.Post, As(localpart, "/_matrix/client/v3/delete_devices"), body, cancellationToken);
        await Success(reply, cancellationToken);
    }

    /// <summary>The account's pushers, as far as they say of which session they are (MSC3881).</summary>
    public async Task<IReadOnlyList<Pusher>> PushersAsync(Localpart localpart, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(HttpMethod.Get, As(localpart, "/_matrix/client/v3/pushers"), null, cancellationToken);
        var bytes = await Success(reply, cancellationToken);
        return Read(bytes, MatrixWire.Default.PushersReply) is { Pushers: { } pushers } && pushers.All(pusher => pusher is { AppId: not null, Pushkey: not null })
            ? pushers
            : throw new HomeserverException("the homeserver did not list the account's pushers", happened: false);
    }

    /// <summary>One that is not there is no error.</summary>
    public async Task DeletePusherAsync(Localpart localpart, Pusher pusher, CancellationToken cancellationToken)
    {
        var body = Json(new DeletePusherBody(pusher.AppId, pusher.Pushkey), MatrixWire.Default.DeletePusherBody);
        using var reply = await SendAsync(HttpMethod.Post, As(localpart, "/_matrix/client/v3/pushers/set"), body, cancellationToken);
        await Success(reply, cancellationToken);
    }

    /// <summary>Closes the account for good; with <paramref name="erase"/> its messages are hidden from those who join later.</summary>
    public async Task DeactivateAsync(Localpart localpart, bool erase, CancellationToken cancellationToken)
    {
        var body = Json(new DeactivateBody(erase), MatrixWire.Default.DeactivateBody);
        using var reply = await SendAsync(HttpMethod.Post, As(localpart, "/_matrix/client/v3/account/deactivate"), body, cancellationToken);
        if (reply.StatusCode == HttpStatusCode.Forbidden && await ErrorOf(reply, cancellationToken) is { Errcode: "M_USER_DEACTIVATED" })
        {
            return;
        }

        var bytes = await Success(reply, cancellationToken);
        if (Read(bytes, MatrixWire.Default.DeactivateReply)?.IdServerUnbindResult is null)
        {
            throw new HomeserverException("the homeserver did not say that it closed the account", happened: true);
        }
    }

    /// <summary>Whose token this is, as the homeserver says: user ID and device ID. Asked with that token, as the device.</summary>
    public async Task<(string? UserId, string? MatrixDeviceId)> WhoAmIAsync(IPAddress tunnelAddress, AccessToken token, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(HttpMethod.Get, "/_matrix/client/v3/account/whoami", null, cancellationToken, token, tunnelAddress);
        var bytes = await Success(reply, cancellationToken);
        var who = Read(bytes, MatrixWire.Default.WhoAmIReply);
        return (who?.UserId, who?.DeviceId);
    }

    /// <summary>The member's own logout, of one session or of all, with that session's token.</summary>
    public async Task LogoutAsync(IPAddress tunnelAddress, AccessToken token, bool everywhere, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(HttpMethod.Post, everywhere ? "/_matrix/client/v3/logout/all" : "/_matrix/client/v3/logout", null, cancellationToken, token, tunnelAddress);
        await Success(reply, cancellationToken);
    }

    /// <summary>POST keys/device_signing/upload with the member's own token.</summary>
    public Task<IdentityReply> UploadIdentityAsync(IPAddress tunnelAddress, AccessToken token, JsonObject keys, CancellationToken cancellationToken) =>
        IdentityAsync("/_matrix/client/v3/keys/device_signing/upload", keys, cancellationToken, token, tunnelAddress);

    /// <summary>The same for the member, without the proof that an account without a password cannot give.</summary>
    public Task<IdentityReply> ReplaceIdentityAsync(Localpart localpart, JsonObject keys, CancellationToken cancellationToken) =>
        IdentityAsync(As(localpart, "/_matrix/client/v3/keys/device_signing/upload"), keys, cancellationToken);

    private async Task<IdentityReply> IdentityAsync(string path, JsonObject keys, CancellationToken cancellationToken, AccessToken? token = null, IPAddress? tunnelAddress = null)
    {
        using var body = new StringContent(keys.ToJsonString(), Encoding.UTF8, "application/json");
        using var reply = await SendAsync(HttpMethod.Post, path, body, cancellationToken, token, tunnelAddress);
        var bytes = await reply.Content.ReadAsByteArrayAsync(cancellationToken);
        var asks = reply.StatusCode == HttpStatusCode.Unauthorized && Read(bytes, MatrixWire.Default.ProofReply) is { Flows: not null };
        return reply.StatusCode switch
        {
            HttpStatusCode.Unauthorized when !asks => throw new HomeserverException("the homeserver does not know the session", happened: false),
            >= HttpStatusCode.InternalServerError => throw new HomeserverException($"the homeserver answered {(int)reply.StatusCode}", happened: true),
            _ => new IdentityReply((int)reply.StatusCode, bytes, asks),
        };
    }

    private string As(Localpart localpart, string path) => $"{path}?user_id={Uri.EscapeDataString(serverName.UserId(localpart))}";

    internal static JsonContent Json<T>(T body, JsonTypeInfo<T> type) => JsonContent.Create(body, type);

    /// <summary>As the application service from this machine; or with a member's token, from their device's address.</summary>
    internal async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string pathAndQuery, HttpContent? body, CancellationToken cancellationToken, AccessToken? token = null, IPAddress? tunnelAddress = null)
    {
        using var request = new HttpRequestMessage(method, pathAndQuery) { Content = body };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token?.Reveal() ?? asToken.Reveal());
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", tunnelAddress?.ToString() ?? "127.0.0.1");
        request.Headers.TryAddWithoutValidation("X-Forwarded-Proto", "https");
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        try
        {
            return await http.SendAsync(request, deadline.Token);
        }
        catch (HttpRequestException e)
        {
            var connected = e.HttpRequestError is not (HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError);
            throw new HomeserverException($"the homeserver does not answer: {e.Message}", happened: connected, e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HomeserverException($"the homeserver did not answer within {Deadline.TotalSeconds:0} s", happened: true, e);
        }
        finally
        {
            if (SocketThreads.IsOne)
            {
                await Task.Yield();
            }
        }
    }

    internal static async Task<byte[]> Success(HttpResponseMessage reply, CancellationToken cancellationToken)
    {
        if (reply.IsSuccessStatusCode)
        {
            return await reply.Content.ReadAsByteArrayAsync(cancellationToken);
        }

        var error = await ErrorOf(reply, cancellationToken);
        throw new HomeserverException(
            $"the homeserver answered {(int)reply.StatusCode} {error.Errcode} {error.Error}".TrimEnd(),
            happened: (int)reply.StatusCode >= 500)
        {
            AccountClosed = reply.StatusCode == HttpStatusCode.Forbidden && error.Errcode == "M_USER_DEACTIVATED",
        };
    }

    /// <summary>A maintenance page with status 200 is a homeserver that does not answer.</summary>
    internal static T? Read<T>(byte[] bytes, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, type);
        }
        catch (JsonException e)
        {
            throw new HomeserverException("the homeserver's answer is not what Matrix says", happened: true, e);
        }
    }

    internal static async Task<MatrixError> ErrorOf(HttpResponseMessage reply, CancellationToken cancellationToken)
    {
        try
        {
            return JsonSerializer.Deserialize(await reply.Content.ReadAsByteArrayAsync(cancellationToken), MatrixWire.Default.MatrixError) ?? new(null, null);
        }
        catch (JsonException)
        {
            return new(null, null);
        }
    }
}
