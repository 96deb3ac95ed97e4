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

    /// <summary>Asks as the admin; a token that the homeserver no longer knows is replaced, once.</summary>
    private async Task<byte[]> AskAsync(HttpMethod method, string path, Func<HttpContent?> body, CancellationToken cancellationToken)
    {
        var token = await TokenAsync(null, cancellationToken);
        var reply = await homeserver.SendAsync(method, path, body(), cancellationToken, token);
        if (reply.StatusCode == HttpStatusCode.Unauthorized)
        {
            reply.Dispose();
            token = await TokenAsync(token, cancellationToken);
            reply = await homeserver.SendAsync(method, path, body(), cancellationToken, token);
        }

        using (reply)
        {
            return await Homeserver.Success(reply, cancellationToken);
        }
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
